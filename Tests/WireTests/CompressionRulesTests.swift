import TernCore
import TernWire
import Testing

@Suite("Compression rules")
struct CompressionRulesTests {
  private let custom = CompressionAlgorithm(
    name: "test-rot13", compress: { _, _ in }, decompress: { _, _, _ in })

  // Spec: W44 (compression: grpc-accept-encoding)
  // Spec: W50 (compression: what the server can decode is listed)
  @Test("What a side accepts is what it can decode, and identity")
  func registry() {
    let registry = CompressionRegistry([.gzip, .deflate, custom, .gzip(level: 9), .identity])

    #expect(registry.acceptedEncodings == "identity,gzip,deflate,test-rot13")
    for name in ["gzip", "deflate", "test-rot13"] {
      #expect(registry.algorithm(named: name)?.name == name)
    }
    for name in [nil, "", "identity", "GZIP", "snappy"] {
      #expect(registry.algorithm(named: name) == nil)
    }
    #expect(CompressionRegistry([]).acceptedEncodings == "identity")
  }

  @Test("Of two algorithms with one name the first counts")
  func sameName() {
    let registry = CompressionRegistry([.gzip(level: 1), .gzip])

    #expect(registry.algorithm(named: "gzip")?.isSame(as: .gzip) == false)
  }

  // swift-format-ignore
  static let lists: [(list: String?, accepts: Bool)] = [
    (nil,                        false),
    ("",                         false),
    ("identity",                 false),
    ("gzip",                     true),
    ("identity,gzip",            true),
    ("identity, deflate, gzip",  true),
    (" gzip\t,x",                true),
    (",,gzip,",                  true),
    ("gzipp",                    false),
    ("xgzip",                    false),
    ("gzip x",                   false),
    ("GZIP",                     false),
    ("\u{FC}, gzip",             true),
    (" \t ",                     false),
    ("x ,gzip",                  true),
  ]

  // Spec: W51 (compression: with nothing that the client does not accept)
  @Test("A client accepts what stands in its list", arguments: lists)
  func acceptance(list: String?, accepts: Bool) {
    let head = RequestHead()

    if let list { head.receive("grpc-accept-encoding", list) }

    #expect(head.accepts(.gzip) == accepts)
  }

  @Test("A list may come in several fields")
  func severalFields() {
    let head = RequestHead()
    #expect(!head.mentionsCompression)

    head.receive(["grpc-accept-encoding": "identity", "grpc-accept-encoding": "deflate, gzip"])

    #expect(head.mentionsCompression)
    #expect(head.accepts(.gzip))
    #expect(head.accepts(.deflate))
    for _ in 0..<1_000 { head.receive("grpc-accept-encoding", "abcdefgh") }
    #expect((head.acceptEncoding ?? "").utf8.count < 300)
  }

  @Test("A response's encoding is that of its head")
  func encodingInTrailers() {
    let state = ResponseState()

    _ = state.receive(
      [":status": "200", "content-type": "application/grpc", "grpc-encoding": "gzip"],
      endOfStream: false)
    _ = state.receive(["grpc-encoding": "snappy", "grpc-status": "0"], endOfStream: true)

    #expect(state.encoding == "gzip")
  }

  // Spec: W47 (compression: flag without encoding)
  @Test("A compressed message without an encoding is INTERNAL", arguments: [nil, "", "identity"])
  func noEncoding(encoding: String?) {
    let server = CompressionRules.serverStatus(encoding: encoding, acceptedEncodings: "gzip")
    #expect(server.code == .internal)
    #expect(CompressionRules.clientStatus(encoding: encoding).code == .internal)
  }

  // Spec: W46 (compression: encoding not supported by the server)
  // Spec: W48 (compression: encoding not supported by the client)
  @Test("An unknown encoding is UNIMPLEMENTED on a server and INTERNAL on a client, and is named")
  func unknownEncoding() {
    let server = CompressionRules.serverStatus(
      encoding: "brotli", acceptedEncodings: "identity,gzip")
    let client = CompressionRules.clientStatus(encoding: "brotli")

    #expect(server.code == .unimplemented)
    #expect(server.message.contains("'brotli'"))
    #expect(server.message.contains("It accepts: identity,gzip."))
    #expect(client.code == .internal)
    #expect(client.message.contains("'brotli'"))
  }

  @Test("The name of an unknown encoding is cut before it travels back")
  func longName() {
    let name = String(repeating: "x", count: 5_000)

    let status = CompressionRules.serverStatus(encoding: name, acceptedEncodings: "identity")

    #expect(status.message.count < 300)
  }

  // Spec: W53 (compression: an algorithm that is not known here)
  @Test("A call with an algorithm that is not registered is INTERNAL, and says the way out")
  func unregistered() {
    let status = CompressionRules.unregisteredStatus(custom)

    #expect(status.code == .internal)
    #expect(status.message.contains("'test-rot13'"))
    #expect(status.message.contains("acceptedCompression"))
  }

  // Spec: W39 (decompressed size: the limit of messages)
  @Test("A message that unpacks to too much is RESOURCE_EXHAUSTED, with its sizes and the way out")
  func tooLarge() {
    let status = DecompressionError.tooLarge(limitBytes: 4_194_304)
      .status(compressedBytes: 16_320, encoding: "gzip")

    #expect(status.code == .resourceExhausted)
    for part in ["16320 bytes", "'gzip'", "4194304 bytes", "maxRequestMessageBytes"] {
      #expect(status.message.contains(part))
    }
  }
}
