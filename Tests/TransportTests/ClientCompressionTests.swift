import Testing
import TernBytes
import TernClient
import TernCore
import TernTransport
import TernWire
import TestSupport

/// What a client sends compressed, and what it makes of compressed responses, frame by frame.
@Suite("Compression on the client", .timeLimit(.minutes(1)))
struct ClientCompressionTests {
  private func channel(
    _ server: ScriptedServer, _ change: (inout ChannelOptions) -> Void = { _ in }
  ) throws -> GRPCChannel {
    var options = ChannelOptions()
    change(&options)
    return try GRPCChannel(server.target, credentials: .insecure, options: options)
  }

  // MARK: Requests

  // Spec: W44 (compression: grpc-accept-encoding)
  // Spec: W52 (compression is off by default)
  @Test("A client says what it accepts, and compresses nothing unless told to")
  func standard() async throws {
    let server = try ScriptedServer([.settings(), .end(), .answer([1])])
    let channel = try channel(server)

    _ = try await UnaryCallable(channel, Plain.unary)(text(1_000))

    let seen = try await server.firstConversation()
    #expect(seen[1].head.first("grpc-accept-encoding") == "identity,gzip,deflate")
    #expect(seen[1].head.first("grpc-encoding") == nil)
    #expect(seen[1].flags == [0])
  }

  struct Choice: Sendable {
    var channel: CompressionAlgorithm = .identity
    var call: CompressionAlgorithm?
    var encoding: String?
  }

  // Spec: W44 (compression: grpc-encoding)
  @Test(
    "The channel chooses, and a call may choose otherwise",
    arguments: [
      Choice(channel: .gzip, encoding: "gzip"),
      Choice(channel: .deflate, encoding: "deflate"),
      Choice(call: .gzip, encoding: "gzip"),
      Choice(channel: .gzip, call: .deflate, encoding: "deflate"),
      Choice(channel: .gzip, call: .identity, encoding: nil),
    ], [true, false])
  func choice(choice: Choice, hasDeadline: Bool) async throws {
    let server = try ScriptedServer([.settings(), .end(), .answer([1])])
    let channel = try channel(server) { $0.compression = choice.channel }
    let options = CallOptions(
      timeout: hasDeadline ? .seconds(50) : nil, compression: choice.call)

    _ = try await UnaryCallable(channel, Plain.unary)(text(1_000), options: options)

    let seen = try await server.firstConversation()[1]
    let message = try #require(seen.messages.first)
    #expect(seen.head.first("grpc-encoding") == choice.encoding)
    #expect(seen.flags == [choice.encoding == nil ? 0 : 1])
    switch choice.encoding {
    case "gzip": #expect(try decompressed(message) == text(1_000))
    case "deflate": #expect(try decompressed(message, .zlib) == text(1_000))
    default: #expect(message == text(1_000))
    }
  }

  // Spec: W52 (compression: what is short, empty or marked goes plain)
  @Test("Short, empty, incompressible and marked messages go plain, from any thread")
  func plainMessages() async throws {
    let server = try ScriptedServer([.settings(), .end(), .answer([1])])
    let channel = try channel(server) { $0.compression = .gzip }

    _ = try await ClientStreamingCallable(channel, Plain.clientStream)() { requests in
      try await requests.send(text(256))
      try await requests.send(text(255))
      try await requests.send([])
      try await requests.send(noise(500))
      try await requests.send(text(1_000), compress: false)
      try await requests.send(contentsOf: [text(300), text(400)], compress: false)
      try await requests.send(text(1_000))
    }

    let seen = try await server.firstConversation()[1]
    #expect(seen.flags == [1, 0, 0, 0, 0, 0, 0, 1])
    #expect(seen.messages[4] == text(1_000))
    #expect(try decompressed(seen.messages[7]) == text(1_000))
  }

  // Spec: W53 (compression: an algorithm that is not known here)
  @Test("A call with an algorithm that is not registered fails before anything is sent")
  func unregistered() async throws {
    let server = try ScriptedServer([.settings(), .end(), .answer([1])])
    let channel = try channel(server) { $0.acceptedCompression = [.deflate] }
    let options = CallOptions(compression: .gzip)

    var errors: [RPCError?] = []
    errors.append(
      await #expect(throws: RPCError.self) {
        _ = try await UnaryCallable(channel, Plain.unary)(text(1_000), options: options)
      })
    errors.append(
      await #expect(throws: RPCError.self) {
        _ = try await ClientStreamingCallable(channel, Plain.clientStream)([], options: options)
      })
    errors.append(
      await #expect(throws: RPCError.self) {
        let responses = ServerStreamingCallable(channel, Plain.serverStream)([], options: options)
        for try await _ in responses {}
      })
    errors.append(
      await #expect(throws: RPCError.self) {
        for try await _ in BidirectionalCallable(channel, Plain.bidi)([], options: options) {}
      })
    _ = try await UnaryCallable(channel, Plain.unary)([1])

    #expect(errors.allSatisfy { $0?.code == .internal && $0?.origin == .caller })
    #expect(try await server.firstConversation().streams.count == 1)
  }

  // Spec: W53 (compression: nobody remembers what a server accepts)
  @Test("A server that has refused an algorithm gets it again with the next call")
  func nothingRemembered() async throws {
    let refusal = [HeaderField].trailersOnly(12).with("grpc-accept-encoding", "identity")
    let server = try ScriptedServer([
      .settings(), .end(), .headers(refusal, endStream: true), .end(of: 3), .answer([9], on: 3),
    ])
    let channel = try channel(server) { $0.compression = .gzip }
    let unary = UnaryCallable(channel, Plain.unary)

    let error = await #expect(throws: RPCError.self) { _ = try await unary(text(1_000)) }
    let answer = try await unary(text(1_000))

    let seen = try await server.firstConversation()
    #expect(error?.code == .unimplemented)
    #expect(answer == [9])
    #expect([seen[1].flags, seen[3].flags] == [[1], [1]])
  }

  // Spec: W37 (send limits: refused here, before anything is sent)
  @Test("A request over the limit is refused for its own length, however short it would become")
  func sendLimit() async throws {
    let server = try ScriptedServer([.settings(), .end(), .answer([1])])
    let channel = try channel(server) {
      $0.compression = .gzip
      $0.maxRequestMessageBytes = 1_000
    }
    let unary = UnaryCallable(channel, Plain.unary)

    let error = await #expect(throws: RPCError.self) { _ = try await unary(text(1_001)) }
    _ = try await unary(text(1_000))

    #expect(error?.code == .resourceExhausted)
    #expect(try await server.firstConversation()[1].flags == [1])
  }

  // Spec: W85 (A6: transparent retry)
  @Test("A compressed request that is refused is sent again as it was")
  func replay() async throws {
    let server = try ScriptedServer([
      .settings(), .end(), .reset(.refusedStream), .end(of: 3), .answer([9], on: 3),
    ])
    let channel = try channel(server) { $0.compression = .gzip }

    let answer = try await UnaryCallable(channel, Plain.unary)(text(1_000))

    let seen = try await server.firstConversation()
    #expect(answer == [9])
    #expect(seen[3].head == seen[1].head)
    #expect(seen[3].body == seen[1].body)
    #expect(seen[3].flags == [1])
  }

  // MARK: Responses

  struct Row: Sendable {
    var name: String
    var steps: [Step]
    var code: StatusCode

    init(_ name: String, encoding: String?, _ body: [UInt8], _ code: StatusCode = .ok) {
      self.name = name
      self.code = code
      let head = [HeaderField].response.with("grpc-encoding", encoding)
      steps = [.headers(head), .data(body), .trailers(0)]
    }
  }

  private static let zeros = [UInt8](repeating: 0, count: (4 << 20) + 1)

  // swift-format-ignore
  static let responses = [
    // Spec: W44 (compression: grpc-encoding)
    Row("gzip",                      encoding: "gzip",     flagged(compressed(text(500)))),
    Row("deflate",                   encoding: "deflate",  flagged(compressed(text(500), .zlib))),
    Row("plain beside an encoding",  encoding: "gzip",     prefixed(text(500))),
    Row("plain, unknown encoding",   encoding: "snappy",   prefixed(text(500))),
    // Spec: W47 (compression: flag without encoding)
    Row("no encoding",               encoding: nil,        flagged([1, 2]),                            .internal),
    Row("identity",                  encoding: "identity", flagged([1, 2]),                            .internal),
    // Spec: W48 (compression: encoding not supported by the client)
    Row("an unknown encoding",       encoding: "snappy",   flagged([1, 2]),                            .internal),
    // Spec: W49 (compression: what cannot be decompressed)
    Row("nothing",                   encoding: "gzip",     flagged([]),                                .internal),
    Row("what is not compressed",    encoding: "gzip",     flagged(text(500)),                         .internal),
    Row("the other format",          encoding: "deflate",  flagged(compressed(text(500))),             .internal),
    Row("cut off",                   encoding: "gzip",     flagged(compressed(text(500)).dropLast()),  .internal),
    Row("a byte behind",             encoding: "gzip",     flagged(compressed(text(500)) + [0]),       .internal),
    // Spec: W39 (decompressed size: at most limit + 1 bytes, then stop)
    Row("4 MiB and a byte",          encoding: "gzip",     flagged(compressed(zeros)),                 .resourceExhausted),
  ]

  @Test("A single response is unpacked, or fails the call", arguments: responses)
  func singleResponse(row: Row) async throws {
    let server = try ScriptedServer([.settings(), .end()] + row.steps)
    let channel = try channel(server)

    try await expect(row) { try await UnaryCallable(channel, Plain.unary)([1]) }
  }

  @Test("A response of a stream is unpacked, or fails the call", arguments: responses)
  func streamedResponse(row: Row) async throws {
    let server = try ScriptedServer([.settings(), .end()] + row.steps)
    let channel = try channel(server)

    try await expect(row) {
      var last: [UInt8] = []
      for try await response in ServerStreamingCallable(channel, Plain.serverStream)([1]) {
        last = response
      }
      return last
    }
  }

  private func expect(_ row: Row, _ call: () async throws -> [UInt8]) async throws {
    if row.code == .ok {
      #expect(try await call() == text(500))
    } else {
      let error = await #expect(throws: RPCError.self) { _ = try await call() }
      #expect(error?.code == row.code)
      #expect(error?.origin == .peer)
    }
  }

  // Spec: W42 (statuscodes: cardinality violations)
  @Test("Two compressed responses where one is due are UNIMPLEMENTED")
  func twoResponses() async throws {
    let body = flagged(compressed(text(500)))
    let row = Row("two", encoding: "gzip", body + body, .unimplemented)
    let server = try ScriptedServer([.settings(), .end()] + row.steps)
    let channel = try channel(server)

    try await expect(row) { try await UnaryCallable(channel, Plain.unary)([1]) }
  }
}
