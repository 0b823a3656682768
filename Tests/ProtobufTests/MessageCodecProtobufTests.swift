import SwiftProtobuf
import TernBytes
import TernCore
import Testing

@testable import TernProtobuf

extension MessageCodec {
  fileprivate func decode(_ bytes: [UInt8]) throws -> Message {
    try unsafe decode(bytes.span.bytes)
  }
}

@Suite("Protobuf codec")
struct MessageCodecProtobufTests {
  private let codec = MessageCodec<Google_Protobuf_StringValue>.protobuf
  /// Its two fields are `required`; SwiftProtobuf brings no smaller such message.
  private let strictCodec = MessageCodec<Google_Protobuf_UninterpretedOption.NamePart>.protobuf

  @Test("A message comes back as it went", arguments: [0, 1, 127, 128, 300, 100_000])
  func roundTrip(length: Int) throws {
    let message = Google_Protobuf_StringValue(String(repeating: "ü", count: length))
    let buffer = ByteBuffer()

    try codec.encode(message, buffer)
    let decoded = try codec.decode(buffer.bytes)

    #expect(decoded == message)
  }

  @Test("The bytes are SwiftProtobuf's own")
  func sameBytes() throws {
    let message = Google_Protobuf_Struct(fields: ["a": 1, "b": "text"])
    let buffer = ByteBuffer()

    try MessageCodec.protobuf.encode(message, buffer)

    #expect(try Google_Protobuf_Struct(serializedBytes: buffer.bytes) == message)
    #expect(try buffer.count == message.serializedData().count)
  }

  @Test("A message goes behind what is in the buffer already")
  func append() throws {
    let buffer = ByteBuffer()
    buffer.append(contentsOf: [1, 2, 3])

    try codec.encode("x", buffer)
    try codec.encode("", buffer)
    try codec.encode("y", buffer)

    #expect(buffer.bytes == [1, 2, 3, 0x0A, 1, 0x78, 0x0A, 1, 0x79])
  }

  @Test("The empty message is no bytes, in both directions")
  func empty() throws {
    let buffer = ByteBuffer()

    try codec.encode(Google_Protobuf_StringValue(), buffer)

    #expect(buffer.isEmpty)
    #expect(try codec.decode([]) == Google_Protobuf_StringValue())
  }

  @Test("A message that cannot be encoded leaves the buffer as it was and says which type it is")
  func unencodable() throws {
    let buffer = ByteBuffer()
    buffer.append(contentsOf: [1, 2, 3])

    let error = try #require(throws: RPCError.self) { try strictCodec.encode(.init(), buffer) }

    #expect(buffer.bytes == [1, 2, 3])
    #expect(error.code == .internal)
    #expect(error.origin == .caller)
    #expect(error.message.contains("google.protobuf.UninterpretedOption.NamePart"))
    #expect(error.cause != nil)
  }

  // Spec: W41 (gRPC core, "Status codes and their use in gRPC": a message that cannot be parsed)
  @Test(
    "Bytes that are no such message are INTERNAL, with type and length in the text",
    arguments: [[0x0A], [0x0A, 5, 0x78], [0xFF, 0xFF, 0xFF], [0x0A, 1, 0xFF]] as [[UInt8]])
  func undecodable(bytes: [UInt8]) throws {
    let error = try #require(throws: RPCError.self) { try codec.decode(bytes) }

    #expect(error.code == .internal)
    #expect(error.origin == .peer)
    #expect(error.message.contains("The \(bytes.count) bytes"))
    #expect(error.message.contains("google.protobuf.StringValue"))
    #expect(error.cause != nil)
  }

  // Spec: W41 (gRPC core, "Status codes and their use in gRPC": a message that cannot be parsed)
  @Test("A message without its required fields is not decoded")
  func missingRequiredField() {
    #expect(throws: RPCError.self) { try strictCodec.decode([]) }
  }

  @Test("A method made for Protobuf has both codecs")
  func method() throws {
    let descriptor = MethodDescriptor(service: "a.B", method: "C", kind: .unary)
    let method = RPCMethod<Google_Protobuf_StringValue, Google_Protobuf_Int32Value>(
      protobuf: descriptor)
    let buffer = ByteBuffer()

    try method.requestCodec.encode("x", buffer)
    try method.responseCodec.encode(7, buffer)

    #expect(method.descriptor == descriptor)
    #expect(buffer.bytes == [0x0A, 1, 0x78, 8, 7])
  }
}
