import TernBytes
import TernCore
import Testing

@Suite("Methods and messages")
struct MethodTests {
  // Spec: W3 (PROTOCOL-HTTP2, Path)
  @Test("The path is the service's full name and the method's name, as they are spelt")
  func path() {
    let method = MethodDescriptor(service: "greet.Greeter", method: "SayHello", kind: .unary)

    #expect(method.path == "/greet.Greeter/SayHello")
    #expect("\(method)" == method.path)
  }

  @Test("The kind tells which sides stream")
  func kinds() {
    let kinds: [CallKind] = [.unary, .clientStreaming, .serverStreaming, .bidirectional]

    #expect(kinds.map(\.hasRequestStream) == [false, true, false, true])
    #expect(kinds.map(\.hasResponseStream) == [false, false, true, true])
  }

  @Test("Messages of bytes stay the same bytes, behind what is in the buffer")
  func bytesCodec() throws {
    let codec = MessageCodec<[UInt8]>.bytes
    let buffer = ByteBuffer()
    buffer.append("prefix")

    try codec.encode([1, 2, 3], buffer)

    #expect(buffer.bytes == Array("prefix".utf8) + [1, 2, 3])
    let wire: [UInt8] = [4, 5]
    let decoded = try unsafe codec.decode(wire.span.bytes)
    #expect(decoded == wire)
  }

  @Test("A method carries its descriptor and codecs")
  func method() {
    let descriptor = MethodDescriptor(service: "s", method: "m", kind: .unary)

    let method = RPCMethod(descriptor, requestCodec: .bytes, responseCodec: .bytes)

    #expect(method.descriptor == descriptor)
  }

  @Test("Options ask for nothing unless told")
  func options() {
    let options = CallOptions()

    #expect(options.timeout == nil)
    #expect(options.metadata.isEmpty)
    #expect(!options.waitForReady)
    #expect(options.maxRequestMessageBytes == nil)
    #expect(options.maxResponseMessageBytes == nil)
  }
}
