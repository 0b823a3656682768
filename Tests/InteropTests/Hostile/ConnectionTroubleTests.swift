import Foundation
import Testing

import Tern
import TestSupport

/// Servers that go away, hold back, or say nothing: what Tern's client makes of it.
@Suite("Troubled connections", .timeLimit(.minutes(1)))
struct ConnectionTroubleTests {
  // Spec: W77 (RFC 9113, GOAWAY: streams above the last one were not processed)
  // Spec: W85 (A6, transparent retries)
  @Test("A call that the server has not taken when it goes away moves to a new connection")
  func callAboveGoAway() async throws {
    let server = try ScriptedServer(
      [.settings(), .request(), .goAway(lastStreamID: 0), .otherClose],
      [.settings(), .end(), .answer([2])])

    let answer = try await withEcho(server) { try await $0.unary([1]) }

    let heard = try await server.finish()
    #expect(answer == [2])
    #expect(heard.map { $0[1].messages } == [[[1]], [[1]]])
  }

  // Spec: W77 (RFC 9113, GOAWAY: streams up to the last one run on)
  @Test("A call that the server has taken runs on, and the next one uses a new connection")
  func callBelowGoAway() async throws {
    let server = try ScriptedServer(
      [.settings(), .end(), .goAway(lastStreamID: 1), .answer([1]), .otherClose],
      [.settings(), .end(), .answer([2])])

    let answers = try await withEcho(server) { echo in
      [try await echo.unary([1]), try await echo.unary([2])]
    }

    #expect(try await server.finish().count == 2)
    #expect(answers == [[1], [2]])
  }

  // Spec: W63 (PROTOCOL-HTTP2: DATA before HEADERS); HTTP/2 ends the connection for it
  @Test("Data before the head fails the call, and the next one uses a new connection")
  func dataBeforeHead() async throws {
    let server = try ScriptedServer(
      [.settings(), .end(), .message([1]), .otherClose], [.settings(), .end(), .answer([2])])

    let answer = try await withEcho(server) { echo in
      let error = await expectError(.internal) { _ = try await echo.unary([1]) }
      #expect(error?.message.contains("broke HTTP/2") == true)
      return try await echo.unary([2])
    }

    #expect(try await server.finish().count == 2)
    #expect(answer == [2])
  }

  // Spec: W79 (RFC 9113, 5.1.1: stream numbers end)
  @Test("When the numbers of streams end, calls move to a new connection, and those that run stay")
  func streamNumbers() async throws {
    let (isOpen, isMoved) = (Gate(), Gate())
    let server = try ScriptedServer(
      [
        .settings(), .end(of: 1), .open(isOpen), .end(of: 3), .answer([3], on: 3), .end(of: 5),
        .answer([5], on: 5), .hold(until: isMoved), .answer([1], on: 1), .otherClose,
      ],
      [.settings(), .end(of: 1), .answer([7]), .end(of: 3), .answer([9], on: 3)])
    var options = ChannelOptions()
    options.endOfStreamNumbers = 6
    let channel = try GRPCChannel(server.target, credentials: .insecure, options: options)
    defer { channel.close() }
    let echo = EchoClient(channel: channel)

    let first = Task { try await echo.unary([1]) }
    try await isOpen.opened()
    var answers: [[UInt8]] = []
    for number: UInt8 in [3, 5, 7, 9] { answers.append(try await echo.unary([number])) }
    isMoved.open()

    #expect(answers == [[3], [5], [7], [9]])
    #expect(try await first.value == [1])
    #expect(try await server.finish().count == 2)
  }

  // Spec: W85 (A6: refused streams are tried again once)
  @Test("A refused call is tried once more, and not for ever")
  func refusedCalls() async throws {
    let refuseAll = Step("refuse all") { peer in
      var refused: Set<Frame.StreamID> = []
      while peer.seen.end == nil {
        try peer.wait(for: "a call") { $0.end != nil || $0.streams.count > refused.count }
        for id in peer.seen.streams.keys where refused.insert(id).inserted {
          try peer.send(.reset(.refusedStream, on: id))
        }
      }
    }
    let server = try ScriptedServer([.settings(), refuseAll], [.settings(), refuseAll])

    await expectError(.unavailable) { try await withEcho(server) { _ = try await $0.unary([1]) } }

    let heard = try await server.finish()
    #expect(heard.map(\.streams.count).reduce(0, +) == 2)
  }

  // Spec: W80 (RFC 9113, 5.1.2: calls above the limit wait)
  // Spec: W82 (the numbers of streams only grow)
  @Test("Ten calls at once take turns where the server allows one")
  func oneStreamAtATime() async throws {
    let turns = (0..<10).flatMap { turn -> [Step] in
      let id = Frame.StreamID(2 * turn + 1)
      let isAlone = Step("\(id) is alone") { peer in
        let open = peer.seen.streams.keys.filter { $0 > id }
        if !open.isEmpty { throw peer.complaint("\(open) are open beside \(id).") }
      }
      return [.end(of: id), isAlone, .answer([UInt8(turn)], on: id)]
    }
    let server = try ScriptedServer([.settings([.maxConcurrentStreams: 1])] + turns)

    let answers = try await withEcho(server) { echo in
      try await withThrowingTaskGroup { calls in
        for _ in 0..<10 { calls.addTask { try await echo.unary([]) } }
        return try await calls.reduce(into: Set()) { $0.insert($1) }
      }
    }

    _ = try await server.finish()
    #expect(answers == Set((0..<10).map { [$0] }))
  }

  // Spec: W98 (connectivity: ready only with the server's SETTINGS)
  @Test("A server that accepts and says nothing gets no call")
  func silentServer() async throws {
    let hasConnected = Gate()
    let server = try ScriptedServer([
      Step("preface") { peer in
        try peer.readPreface()
        hasConnected.open()
      }
    ])

    try await withEcho(server) { echo in
      let call = Task { try await echo.unary([1]) }
      try await hasConnected.opened()
      call.cancel()
      await expectError(.cancelled) { _ = try await call.value }
    }

    #expect(try await server.finish().allSatisfy { $0.streams.isEmpty })
  }

  @Test("A server that does not speak HTTP/2 is unavailable, with its address in the text")
  func otherProtocol() async throws {
    let answer = Step.text("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    let server = try ScriptedServer([answer, .close])

    let error = await expectError(.unavailable) {
      try await withEcho(server) { _ = try await $0.unary([1]) }
    }

    #expect(error?.message.contains(server.target) == true, "\(error?.message ?? "")")
  }

  // Spec: W96 (wait-for-ready: the text has the last connect error)
  @Test("Where nobody listens, the error names the address and the reason")
  func nobodyListens() async throws {
    let unused = try BlockingSocket.occupy()
    let port = unused.port
    let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: .insecure)
    defer { channel.close() }

    let error = await expectError(.unavailable) {
      _ = try await EchoClient(channel: channel).unary([1])
    }

    #expect(error?.message.contains("127.0.0.1:\(port)") == true, "\(error?.message ?? "")")
    #expect(error?.message.lowercased().contains("refused") == true, "\(error?.message ?? "")")
    withExtendedLifetime(unused) {}
  }

  // swift-format-ignore
  static let losses: [(name: String, steps: [Step])] = [
    ("is gone without a word",          [.vanish]),
    ("closes",                          [.close]),
    ("says GOAWAY and closes",          [.goAway(lastStreamID: 19, .internalError), .close]),
    ("breaks the protocol",             [.send(Frame(.settings, [0]))]),
    ("sends HPACK that is none",        [.send(Frame(.headers, flags: .endHeaders, on: 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF]))]),
    ("announces a frame too large",     [.send(Frame(.data, on: 1, announcing: 1 << 20))]),
  ]

  // Spec: W81 (connection loss)
  @Test(
    "Calls of a lost connection are unavailable, and the next one connects anew",
    arguments: losses.indices)
  func lostConnection(loss: Int) async throws {
    let requests = (0..<10).map { Step.end(of: 2 * $0 + 1) }
    let server = try ScriptedServer(
      [.settings()] + requests + Self.losses[loss].steps, [.settings(), .end(), .answer([2])])

    let (codes, next) = try await withEcho(server) { echo in
      let codes = await withTaskGroup { calls in
        for _ in 0..<10 {
          calls.addTask { await expectError(.unavailable) { _ = try await echo.unary([1]) }?.code }
        }
        return await calls.reduce(into: []) { $0.append($1) }
      }
      return (codes, try await echo.unary([1]))
    }

    #expect(codes == Array(repeating: .unavailable, count: 10))
    #expect(next == [2])
  }

  private func withEcho<Result>(
    _ server: ScriptedServer, _ body: (EchoClient) async throws -> Result
  ) async throws -> Result {
    let channel = try GRPCChannel(server.target, credentials: .insecure)
    defer { channel.close() }
    return try await body(EchoClient(channel: channel))
  }
}
