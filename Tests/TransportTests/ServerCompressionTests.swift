import Testing
import TernCore
import TernServer
import TernWire
import TestSupport

/// What a server makes of compressed requests, and when it compresses responses, frame by frame.
@Suite("Compression on the server", .timeLimit(.minutes(1)))
struct ServerCompressionTests {
  private static let accepting = "grpc-accept-encoding"

  private func call(
    _ port: Int, _ method: RPCMethod<[UInt8], [UInt8]>, _ fields: KeyValuePairs<String, String>,
    _ body: [UInt8]
  ) async throws -> Conversation.Stream {
    let head = fields.reduce(Plain.request(method)) { $0.with($1.key, $1.value) }
    let seen = try await play(
      to: port, [.preface, .headers(head), .data(body, endStream: true), .end(of: 1)])
    return seen[1]
  }

  private var compressing: ServerOptions {
    var options = ServerOptions()
    options.compression = .gzip
    return options
  }

  // MARK: Requests

  // Spec: W44 (compression: grpc-encoding, grpc-accept-encoding)
  // Spec: W51 (compression: a server may answer without)
  @Test(
    "A compressed request is read, and answered plain unless the server was told otherwise",
    arguments: [ZlibFormat.gzip, .zlib], [Plain.unary, Plain.bidi])
  func reads(format: ZlibFormat, method: RPCMethod<[UInt8], [UInt8]>) async throws {
    let answer = try await withServer([Plain.echo, Plain.echoStream]) { port in
      try await call(
        port, method, ["grpc-encoding": format == .gzip ? "gzip" : "deflate"],
        flagged(compressed(text(1_000), format)))
    }

    #expect(answer.messages == [text(1_000)])
    #expect(answer.flags == [0])
    #expect(answer.grpcStatus == 0)
    #expect(answer.head.first("grpc-encoding") == nil)
    #expect(answer.head.first(Self.accepting) == "identity,gzip,deflate")
  }

  @Test("A compressed request may be split anywhere")
  func splits() async throws {
    let body = flagged(compressed(text(100)))
    let head = Plain.request(Plain.unary).with("grpc-encoding", "gzip")
    let calls = (0...body.count).flatMap { (boundary: Int) -> [Step] in
      let streamID = Frame.StreamID(2 * boundary + 1)
      return [
        .headers(head, on: streamID), .data(Array(body.prefix(boundary)), on: streamID),
        .data(Array(body.dropFirst(boundary)), on: streamID, endStream: true), .end(of: streamID),
      ]
    }

    let seen = try await withServer([Plain.echo]) { try await play(to: $0, [.preface] + calls) }

    for boundary in 0...body.count {
      #expect(seen[Frame.StreamID(2 * boundary + 1)].messages == [text(100)])
    }
  }

  @Test("Plain messages may stand between compressed ones")
  func mixed() async throws {
    let answer = try await withServer([Plain.echoStream]) { port in
      try await call(
        port, Plain.bidi, ["grpc-encoding": "gzip"],
        prefixed([1]) + flagged(compressed(text(100))) + prefixed([])
          + flagged(compressed(text(80))))
    }

    #expect(answer.messages == [[1], text(100), [], text(80)])
    #expect(answer.grpcStatus == 0)
  }

  // Spec: W46 (compression: encoding not supported by the server)
  @Test(
    "What the server cannot decode is UNIMPLEMENTED, and it says what it can",
    arguments: [Plain.unary, Plain.bidi])
  func unsupported(method: RPCMethod<[UInt8], [UInt8]>) async throws {
    let answer = try await withServer([Plain.echo, Plain.echoStream]) { port in
      try await call(port, method, ["grpc-encoding": "snappy"], flagged([1, 2, 3]))
    }

    #expect(answer.grpcStatus == StatusCode.unimplemented.rawValue)
    #expect(answer.head.first(Self.accepting) == "identity,gzip,deflate")
    #expect(answer.grpcMessage?.contains("'snappy'") == true)
  }

  // Spec: W46 (compression: only messages with the flag)
  @Test("A plain message is good, whatever the encoding is")
  func unsupportedWithoutFlag() async throws {
    let answer = try await withServer([Plain.echo]) { port in
      try await call(port, Plain.unary, ["grpc-encoding": "snappy"], prefixed([1, 2, 3]))
    }

    #expect(answer.messages == [[1, 2, 3]])
    #expect(answer.grpcStatus == 0)
  }

  // Spec: W46 (compression: what is not accepted is not listed)
  @Test("A server that accepts less says so")
  func acceptsLess() async throws {
    var options = ServerOptions()
    options.acceptedCompression = [.deflate]

    let answer = try await withServer([Plain.echo], options: options) { port in
      try await call(
        port, Plain.unary, ["grpc-encoding": "gzip"], flagged(compressed(text(100))))
    }

    #expect(answer.grpcStatus == StatusCode.unimplemented.rawValue)
    #expect(answer.head.first(Self.accepting) == "identity,deflate")
  }

  // Spec: W47 (compression: flag without encoding)
  @Test(
    "A flag without an encoding is INTERNAL", arguments: [nil, "identity"] as [String?],
    [Plain.unary, Plain.bidi])
  func flagAlone(encoding: String?, method: RPCMethod<[UInt8], [UInt8]>) async throws {
    let head = Plain.request(method).with("grpc-encoding", encoding)
    let seen = try await withServer([Plain.echo, Plain.echoStream]) { port in
      try await play(
        to: port,
        [.preface, .headers(head), .data(flagged([1, 2, 3]), endStream: true), .end(of: 1)])
    }

    #expect(seen[1].grpcStatus == StatusCode.internal.rawValue)
  }

  // Spec: W49 (compression: what cannot be decompressed)
  @Test("A damaged request is INTERNAL", arguments: [Plain.unary, Plain.bidi])
  func damaged(method: RPCMethod<[UInt8], [UInt8]>) async throws {
    let whole = compressed(text(1_000))
    let damaged = [[], [1, 2, 3], Array(whole.dropLast()), whole + [0], whole + whole]

    try await withServer([Plain.echo, Plain.echoStream]) { port in
      for payload in damaged {
        let answer = try await call(
          port, method, ["grpc-encoding": "gzip"], flagged(payload))
        #expect(answer.grpcStatus == StatusCode.internal.rawValue)
        #expect(answer.grpcMessage?.contains("damaged") == true)
      }
    }
  }

  // Spec: W42 (statuscodes: cardinality violations)
  @Test("Two compressed requests where one is due are UNIMPLEMENTED")
  func twoRequests() async throws {
    let answer = try await withServer([Plain.echo]) { port in
      try await call(
        port, Plain.unary, ["grpc-encoding": "gzip"],
        flagged(compressed(text(100))) + flagged(compressed(text(100))))
    }

    #expect(answer.grpcStatus == StatusCode.unimplemented.rawValue)
  }

  // Spec: W39 (decompressed size: at most limit + 1 bytes, then stop)
  @Test("The limit counts what the request unpacks to", arguments: [999, 1_000, 1_001])
  func limit(count: Int) async throws {
    var options = ServerOptions()
    options.maxRequestMessageBytes = 1_000

    let answer = try await withServer([Plain.echo], options: options) { port in
      try await call(
        port, Plain.unary, ["grpc-encoding": "gzip"], flagged(compressed(text(count))))
    }

    #expect(
      answer.grpcStatus == (count > 1_000 ? StatusCode.resourceExhausted : .ok).rawValue)
  }

  // Spec: W36 (statuscodes: larger than the limit, known from the prefix)
  @Test("The limit counts what travels as well")
  func limitOfPayload() async throws {
    var options = ServerOptions()
    options.maxRequestMessageBytes = 100

    let answer = try await withServer([Plain.echo], options: options) { port in
      try await call(
        port, Plain.unary, ["grpc-encoding": "gzip"], flagged(noise(101)))
    }

    #expect(answer.grpcStatus == StatusCode.resourceExhausted.rawValue)
  }

  // MARK: Responses

  // Spec: W51 (compression: with nothing that the client does not accept)
  @Test(
    "A server that compresses does so for clients that accept it",
    arguments: [
      ("gzip", true), ("identity, deflate, gzip", true), ("deflate", false), ("identity", false),
    ], [Plain.unary, Plain.bidi])
  func answers(
    accepted: (list: String, isCompressed: Bool), method: RPCMethod<[UInt8], [UInt8]>
  ) async throws {
    let answer = try await withServer([Plain.echo, Plain.echoStream], options: compressing) {
      try await call($0, method, [Self.accepting: accepted.list], prefixed(text(1_000)))
    }

    let message = try #require(answer.messages.first)
    #expect(answer.flags == [accepted.isCompressed ? 1 : 0])
    #expect(answer.head.first("grpc-encoding") == (accepted.isCompressed ? "gzip" : nil))
    #expect(answer.head.first(Self.accepting) == "identity,gzip,deflate")
    #expect(try (accepted.isCompressed ? decompressed(message) : message) == text(1_000))
  }

  // Spec: W51 (compression: none for a client that accepts none)
  @Test("A client that says nothing of compression hears nothing of it")
  func silence() async throws {
    let answer = try await withServer([Plain.echo], options: compressing) { port in
      try await call(port, Plain.unary, [:], prefixed(text(1_000)))
    }

    #expect(answer.head == .response)
    #expect(answer.messages == [text(1_000)])
    #expect(answer.flags == [0])
  }

  // Spec: W52 (compression: what is short, empty or marked goes plain)
  @Test("Short, empty, incompressible and marked messages go plain")
  func plainMessages() async throws {
    let method = ServerMethod.serverStreaming(Plain.serverStream) { _, responses, _ in
      try await responses.send(text(256))
      try await responses.send(text(255))
      try await responses.send([])
      try await responses.send(noise(500))
      try await responses.send(text(1_000), compress: false)
      try await responses.send(contentsOf: [text(300), text(400)], compress: false)
      try await responses.send(text(1_000))
    }

    let answer = try await withServer([method], options: compressing) { port in
      try await call(port, Plain.serverStream, [Self.accepting: "gzip"], prefixed([]))
    }

    #expect(answer.flags == [1, 0, 0, 0, 0, 0, 0, 1])
    #expect(answer.messages[4] == text(1_000))
    #expect(try decompressed(answer.messages[7]) == text(1_000))
  }

  @Test("The shortest message that is compressed can be chosen; an empty one never is")
  func shortest() async throws {
    var options = compressing
    options.minCompressedMessageBytes = 0

    let answer = try await withServer([Plain.echoStream], options: options) { port in
      try await call(
        port, Plain.bidi, [Self.accepting: "gzip"], prefixed([]) + prefixed(text(100)))
    }

    #expect(answer.flags == [0, 1])
  }

  // Spec: W51 (compression: the server may use another algorithm, or none)
  @Test(
    "A handler may choose otherwise",
    arguments: [
      (CompressionAlgorithm.identity, nil), (.deflate, "deflate"), (.gzip(level: 1), "gzip"),
    ] as [(CompressionAlgorithm, String?)],
    [HandlerExecution.onEventLoop, .concurrentPool])
  func handlersChoice(
    choice: (algorithm: CompressionAlgorithm, encoding: String?), place: HandlerExecution
  ) async throws {
    var options = compressing
    options.handlerExecution = place
    let method = ServerMethod.unary(Plain.unary) { request, context in
      #expect(context.responseCompression.name == "gzip")
      try await context.setResponseCompression(choice.algorithm)
      #expect(context.responseCompression.name == choice.algorithm.name)
      return request
    }

    let answer = try await withServer([method], options: options) { port in
      try await call(port, Plain.unary, [Self.accepting: "gzip,deflate"], prefixed(text(1_000)))
    }

    #expect(answer.grpcStatus == 0)
    #expect(answer.flags == [choice.encoding == nil ? 0 : 1])
    #expect(answer.head.first("grpc-encoding") == choice.encoding)
  }

  @Test("A handler's choice that the client does not accept is no choice")
  func handlersUselessChoice() async throws {
    let method = ServerMethod.unary(Plain.unary) { request, context in
      try await context.setResponseCompression(.gzip)
      #expect(context.responseCompression.name == "identity")
      return request
    }

    let answer = try await withServer([method]) { port in
      try await call(port, Plain.unary, [Self.accepting: "deflate"], prefixed(text(1_000)))
    }

    #expect(answer.flags == [0])
    #expect(answer.head.first("grpc-encoding") == nil)
  }

  // Spec: W74 (statuscodes: what a library never says by itself)
  @Test("It is too late to choose when the response has begun", arguments: [true, false])
  func tooLate(sendsMetadata: Bool) async throws {
    let method = ServerMethod.serverStreaming(Plain.serverStream) { _, responses, context in
      if sendsMetadata { try await context.sendInitialMetadata(["a": "b"]) }
      try await responses.send(text(1_000))
      let error = await #expect(throws: RPCError.self) {
        try await context.setResponseCompression(.identity)
      }
      #expect(error?.code == .internal)
      try await responses.send(text(1_000))
    }

    let answer = try await withServer([method], options: compressing) { port in
      try await call(port, Plain.serverStream, [Self.accepting: "gzip"], prefixed([]))
    }

    #expect(answer.flags == [1, 1])
    #expect(answer.head.first("grpc-encoding") == "gzip")
    #expect(answer.head.first("a") == (sendsMetadata ? "b" : nil))
  }

  @Test("A service or a method may differ from the server")
  func methodOptions() async throws {
    var options = ServerOptions()
    options.methods["test.Plain"] = .init(compression: .gzip)
    options.methods["test.Plain/Bidi"] = .init(compression: .identity)

    try await withServer([Plain.echo, Plain.echoStream], options: options) { port in
      let accepting: KeyValuePairs = [Self.accepting: "gzip"]
      let unary = try await call(port, Plain.unary, accepting, prefixed(text(1_000)))
      let bidi = try await call(port, Plain.bidi, accepting, prefixed(text(1_000)))
      #expect(unary.flags == [1])
      #expect(bidi.flags == [0])
    }
  }

  // Spec: W50 (compression: what the server can decode stands in this response)
  @Test("An error without messages says what the server accepts, too")
  func errors() async throws {
    let method = ServerMethod.unary(Plain.unary) { _, _ in throw RPCError(.notFound) }

    let answer = try await withServer([method], options: compressing) { port in
      try await call(
        port, Plain.unary, ["grpc-encoding": "gzip"], flagged(compressed(text(100))))
    }

    #expect(answer.grpcStatus == StatusCode.notFound.rawValue)
    #expect(answer.head.first(Self.accepting) == "identity,gzip,deflate")
  }
}
