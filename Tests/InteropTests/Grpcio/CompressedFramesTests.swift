import Testing

import Tern
import TestSupport

/// Which messages are compressed between Tern and gRPC Python, which does not tell: a relay sees it.
@Suite("Compressed frames", .serialized, .timeLimit(.minutes(2)))
struct CompressedFramesTests {
  // MARK: Tern's client

  /// Runs `body` with a channel whose way to gRPC Python's server leads through a relay.
  private func withRelay(
    _ options: ChannelOptions = ChannelOptions(), _ body: (EchoClient) async throws -> Void
  ) async throws -> RecordingRelay {
    let port = try #require(
      try await Grpcio.serverTarget.split(separator: ":").last.flatMap { Int($0) })
    let relay = try RecordingRelay(to: port)
    let channel = try GRPCChannel(
      "127.0.0.1:\(relay.port)", credentials: .insecure, options: options)
    defer { channel.close() }
    try await body(EchoClient(channel: channel))
    return relay
  }

  // Spec: W44, W52 (compression: for a call, and not for another)
  @Test("A request is compressed where the call says so")
  func clientCompressedUnary() async throws {
    let message = [UInt8](repeating: 0, count: 271_828)
    let relay = try await withRelay { echo in
      for compression: CompressionAlgorithm in [.gzip, .identity, .deflate] {
        let answer = try await echo.unary(message, options: CallOptions(compression: compression))
        #expect(answer == message)
      }
    }

    #expect(try relay.requests[1].flags == [1])
    #expect(try relay.requests[1].head.first("grpc-encoding") == "gzip")
    #expect(try relay.requests[3].flags == [0])
    #expect(try relay.requests[3].head.first("grpc-encoding") == nil)
    #expect(try relay.requests[5].flags == [1])
    #expect(try relay.requests[5].head.first("grpc-encoding") == "deflate")
  }

  // Spec: W44 (compression: what the server makes of grpc-accept-encoding)
  @Test("A compressed response is read, and a plain one")
  func serverCompressedUnary() async throws {
    let message = [UInt8](repeating: 0, count: 271_828)
    let relay = try await withRelay { echo in
      for metadata: Metadata in [["compress-response": "gzip"], [:]] {
        let answer = try await echo.unary(message, options: CallOptions(metadata: metadata))
        #expect(answer == message)
      }
    }

    #expect(try relay.responses[1].flags == [1])
    #expect(try relay.responses[1].head.first("grpc-encoding") == "gzip")
    #expect(try relay.responses[3].flags == [0])
  }

  // Spec: W52 (compression: "not this message" is obeyed)
  @Test("Of a stream of requests each may be compressed or not")
  func clientCompressedStreaming() async throws {
    let relay = try await withRelay { echo in
      let answer = try await echo.clientStream(options: CallOptions(compression: .gzip)) {
        requests in
        try await requests.send([UInt8](repeating: 0, count: 27_182))
        try await requests.send([UInt8](repeating: 0, count: 45_904), compress: false)
      }
      #expect(answer.text == "73086 2")
    }

    #expect(try relay.requests[1].flags == [1, 0])
  }

  @Test("Of a stream of responses each may be compressed or not")
  func serverCompressedStreaming() async throws {
    let relay = try await withRelay { echo in
      try await readHalfPlain(echo)
    }

    #expect(try relay.responses[1].flags == [1, 0])
  }

  private func readHalfPlain(_ echo: EchoClient) async throws {
    let options = CallOptions(metadata: ["compress-response": "gzip", "plain-response": "1"])
    let answers = try await echo.serverStream([UInt8]("2 31415"), options: options).collected()
    #expect(answers.map(\.count) == [31_415, 31_415])
  }

  // Spec: W48 (compression: encoding not supported by the client)
  @Test("C-core compresses even for a client that accepts nothing, which refuses it")
  func clientAcceptsNothing() async throws {
    var options = ChannelOptions()
    options.acceptedCompression = []
    let relay = try await withRelay(options) { echo in
      await expectError(.internal) { try await readHalfPlain(echo) }
    }

    #expect(try relay.requests[1].head.first("grpc-accept-encoding") == "identity")
    #expect(try relay.responses[1].flags.first == 1)
  }

  // MARK: gRPC Python's client

  private func withTernServer(
    _ name: String, _ setup: Grpcio.ClientSetup = Grpcio.ClientSetup()
  ) async throws -> RecordingRelay {
    try await withServer { port in
      let relay = try RecordingRelay(to: port)
      let outcome = try await Grpcio.runCase(name, port: relay.port, setup: setup)
      #expect(outcome.passed, "\(outcome.text)")
      return relay
    }
  }

  // Spec: W44, W45 (compression: gzip and deflate)
  @Test(
    "Tern's server reads what gRPC Python has compressed, and answers so",
    arguments: ["gzip", "deflate"])
  func server(name: String) async throws {
    let relay = try await withTernServer("\(name)_unary")

    for streamID: Frame.StreamID in [5, 7] {
      for stream in [try relay.requests[streamID], try relay.responses[streamID]] {
        #expect(stream.flags == [1])
        #expect(stream.head.first("grpc-encoding") == name)
      }
    }
    // Empty and short messages.
    for streamID: Frame.StreamID in [1, 3] {
      #expect(try relay.responses[streamID].flags == [0])
    }
  }

  @Test("Streams are compressed message by message", arguments: ["gzip", "deflate"])
  func serverStreams(name: String) async throws {
    let relay = try await withTernServer("\(name)_streams")

    #expect(try relay.responses[3].flags == [1, 1, 1, 1])
    #expect(try relay.requests[5].flags.count == 4)
    #expect(try relay.responses[5].flags == [1, 0, 0, 1])
  }

  // Spec: W51 (compression: none for a client that accepts none)
  @Test("Tern's server answers plain to a client of gRPC Python that accepts nothing")
  func pythonAcceptsNothing() async throws {
    let relay = try await withTernServer(
      "gzip_unary", Grpcio.ClientSetup(acceptsNothing: true))

    #expect(try relay.requests[5].head.first("grpc-accept-encoding") == "identity")
    for streamID: Frame.StreamID in [1, 3, 5, 7] {
      #expect(try relay.responses[streamID].flags == [0])
      #expect(try relay.responses[streamID].head.first("grpc-encoding") == nil)
    }
  }
}
