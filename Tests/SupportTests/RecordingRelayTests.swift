import Testing

import TestSupport

@Suite("Recording relay", .timeLimit(.minutes(1)))
struct RecordingRelayTests {
  private static let call: [Step] = [
    .preface, .headers(.request("/a.B/C").with("grpc-encoding", "gzip")),
    .data(prefixed([1, 2, 3], flag: 1)), .message([4], endStream: true), .end(of: 1),
  ]

  @Test(
    "What both sides say arrives, and is seen field by field and message by message",
    arguments: [RecordingRelay.Manner.atOnce, .inChunks(bytes: 1), .inChunks(bytes: 7)])
  func call(_ manner: RecordingRelay.Manner) async throws {
    let server = try ScriptedServer([.settings(), .end(of: 1), .answer(Array("hello".utf8))])
    let relay = try RecordingRelay(to: server.port, manner)

    let seen = try await play(to: relay.port, Self.call)
    let heard = try await server.finish()[0]

    #expect(seen[1].messages == [Array("hello".utf8)])
    #expect(heard[1].messages == [[1, 2, 3], [4]])
    let requests = try relay.streams(.toServer)
    #expect(requests.map(\.head) == [.request("/a.B/C").with("grpc-encoding", "gzip")])
    #expect(requests.map { $0.framedMessages.map(\.isCompressed) } == [[true, false]])
    #expect(try relay.messages(.toServer)[0].map(\.payloadBytes) == [3, 1])
    #expect(try relay.streams(.toClient).map(\.heads) == [[.response, .trailers(0)]])
    #expect(try relay.messages(.toClient)[0].map(\.isCompressed) == [false])
  }

  @Test("Each connection is recorded on its own, and its streams follow those before")
  func connections() async throws {
    let script: [Step] = [.settings(), .end(of: 1), .answer([])]
    let server = try ScriptedServer(script, script)
    let relay = try RecordingRelay(to: server.port)

    _ = try await play(to: relay.port, Self.call)
    _ = try await play(
      to: relay.port, [.preface, .headers(.request("/d.E/F"), endStream: true), .end(of: 1)])

    #expect(relay.connectionCount == 2)
    #expect(
      try relay.streams(.toServer).compactMap { $0.head.first(":path") } == ["/a.B/C", "/d.E/F"])
    let second = try relay.conversation(.toServer, connection: 1)
    #expect(second[1].head == .request("/d.E/F"))
    #expect(second[1].hasEnded)
  }

  @Test("A relay that never passes anything on keeps what it got")
  func never() async throws {
    let listener = try BlockingSocket.listen()
    let relay = try RecordingRelay(to: listener.port, .never)

    let server = try await onOwnThread {
      let client = try BlockingSocket.connect(port: relay.port)
      let server = try #require(try listener.accept())
      try client.send(Array("anybody there?".utf8))
      client.finishSending()
      return try Self.readToEnd(server)
    }

    #expect(server.bytes == 0)
    #expect(relay.bytes(.toServer) == Array("anybody there?".utf8))
    #expect(throws: RecordingRelay.Failure.self) { try relay.streams(.toServer) }
  }

  @Test("A cut resets both sides, and the next connection is passed on")
  func cut() async throws {
    let server = try ScriptedServer(
      [.settings(), .otherClose], [.settings(), .end(of: 1), .answer([])])
    let relay = try RecordingRelay(to: server.port)

    let seen = try await play(
      to: relay.port,
      [.preface, .otherSettings, Step("cut") { _ in relay.cut() }, .otherClose])
    let again = try await play(to: relay.port, Self.call)
    let heard = try await server.finish()

    #expect(seen.end == .reset)
    #expect(heard[0].end == .reset)
    #expect(again[1].grpcStatus == 0)
  }

  @Test(
    "A relay may vanish in the middle of what one side says", arguments: [0, 1, 30],
    RecordingRelay.Direction.allCases)
  func vanishing(after bytes: Int, _ direction: RecordingRelay.Direction) async throws {
    let listener = try BlockingSocket.listen()
    let relay = try RecordingRelay(to: listener.port, .vanishing(direction, afterBytes: bytes))

    let (client, server) = try await onOwnThread {
      let client = try BlockingSocket.connect(port: relay.port)
      let server = try #require(try listener.accept())
      try (direction == .toServer ? client : server).send(Array(repeating: 7, count: 40))
      return (try Self.readToEnd(client), try Self.readToEnd(server))
    }

    #expect(relay.bytes(direction).count == bytes)
    #expect((direction == .toServer ? server : client).bytes == bytes)
    #expect(client.wasReset)
    #expect(server.wasReset)
  }

  @Test("Where no server listens, the connection ends")
  func noServer() async throws {
    let listener = try BlockingSocket.listen()
    let port = listener.port
    listener.stop()
    let relay = try RecordingRelay(to: port)

    let seen = try await play(to: relay.port, [.otherClose])

    #expect(seen.end != nil)
    #expect(relay.connectionCount == 0)
  }

  private static func readToEnd(_ socket: BlockingSocket) throws -> (bytes: Int, wasReset: Bool) {
    var count = 0
    while true {
      switch try socket.receive(until: .now + defaultWaitLimit) {
      case .bytes(let bytes): count += bytes.count
      case .end(let wasReset): return (count, wasReset)
      case .nothing: throw RecordingRelay.Failure(description: "Neither bytes nor an end.")
      }
    }
  }
}
