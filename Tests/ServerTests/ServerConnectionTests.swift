import Testing
import TernCore
import TernEventLoop
import TernServer
import TestSupport

/// A server's connections, as a client sees them.
@Suite("Server connections", .timeLimit(.minutes(1)))
struct ServerConnectionTests {
  private static let path = "/tern.test.Echo/Unary"

  // Spec: W100 (a deadline for the handshake)
  @Test("A client that does not speak loses its connection after 20 s, and the log has the reason")
  func handshakeTimeout() async throws {
    let server = try await TimedServer()
    let isConnected = Gate()

    async let seen = play(
      to: server.port, [.beImpolite, .otherSettings, .open(isConnected), .otherClose])
    try await isConnected.opened()
    await server.clock.advance(by: .seconds(20))

    #expect(try await seen.end == .closed)
    #expect(
      server.log.all == [
        "warning A connection was closed. reason=the client sent no HTTP/2 preface and SETTINGS "
          + "within 20.0 seconds"
      ])
    await server.server.shutDown(within: .zero)
  }

  @Test("A client that speaks in time keeps its connection")
  func handshakeInTime() async throws {
    let server = try await TimedServer()
    let isServed = Gate()

    async let seen = play(
      to: server.port,
      [
        .preface, .headers(.request(Self.path)), .message([1], endStream: true), .end(),
        .open(isServed), .hold(until: isServed),
        .headers(.request(Self.path), on: 3), .message([2], on: 3, endStream: true), .end(of: 3),
      ])
    try await isServed.opened()
    await server.clock.advance(by: .seconds(20))

    #expect(try await seen[3].messages == [[2]])
    #expect(server.log.all.isEmpty)
    await server.server.shutDown(within: .zero)
  }

  // Spec: W80 (RFC 9113, 5.1.2: always announced)
  @Test("A client is told how many calls it may have open at once")
  func maxConcurrentStreams() async throws {
    let server = try await TimedServer { $0.maxConcurrentStreams = 7 }

    let seen = try await play(to: server.port, [.preface, .otherSettings])

    #expect(seen.settings[.maxConcurrentStreams] == 7)
    await server.server.shutDown(within: .zero)
  }

  // Spec: W43 (a small message and its prefix share a DATA frame)
  @Test("A small response leaves with its prefix in one DATA frame")
  func oneFrame() async throws {
    let server = try await TimedServer()

    let seen = try await play(
      to: server.port,
      [.preface, .headers(.request(Self.path)), .message([1, 2, 3], endStream: true), .end()])

    #expect(seen.transcript.filter { $0.hasPrefix("<- 1 DATA") } == ["<- 1 DATA 8"])
    await server.server.shutDown(within: .zero)
  }

  // Spec: W54, W55 (PROTOCOL-HTTP2, Trailers-Only: the head waits for a message, or the handler)
  @Test("A handler that fails answers in one block, or in two if it has sent its metadata before")
  func failure() async throws {
    let isSeen = Gate()
    let method = Echo.method { request, context in
      if request == [1] {
        try await context.sendInitialMetadata(["a": "b"])
        try await isSeen.opened()
      }
      throw RPCError(.notFound, "gone")
    }
    let server = try await TimedServer([Methods(method)])

    let seen = try await play(
      to: server.port,
      [
        .preface, .headers(.request(Self.path)), .message([0], endStream: true), .end(),
        .headers(.request(Self.path), on: 3), .message([1], on: 3, endStream: true),
        .request(on: 3), .open(isSeen), .end(of: 3),
      ])

    #expect([seen[1].heads.count, seen[3].heads.count] == [1, 2])
    #expect(seen[3].head.first("a") == "b")
    #expect([seen[1].grpcStatus, seen[3].grpcStatus] == [5, 5])
    #expect(seen[1].body.isEmpty && seen[3].body.isEmpty)
    await server.server.shutDown(within: .zero)
  }

  // Spec: W12 (A6: grpc-previous-rpc-attempts)
  @Test("A handler sees how often its call was tried before")
  func previousAttempts() async throws {
    let method = Echo.method { _, context in [UInt8(context.previousAttempts)] }
    let server = try await TimedServer([Methods(method)])
    let retry: [HeaderField] = .request(Self.path).with("grpc-previous-rpc-attempts", "3")

    let seen = try await play(
      to: server.port,
      [
        .preface, .headers(.request(Self.path)), .message([], endStream: true), .end(),
        .headers(retry, on: 3), .message([], on: 3, endStream: true), .end(of: 3),
      ])

    #expect(seen[1].messages == [[0]])
    #expect(seen[3].messages == [[3]])
    await server.server.shutDown(within: .zero)
  }

  // Spec: W72 (RST_STREAM by a server that cannot send its trailers: CANCEL)
  @Test("A response that its client does not read is reset when the deadline has passed")
  func unreadResponse() async throws {
    let method = Echo.method { _, _ in [UInt8](repeating: 7, count: 100_000) }
    let server = try await TimedServer([Methods(method)])
    let isFull = Gate()
    let head: [HeaderField] = .request(Self.path).with("grpc-timeout", "5S")

    async let seen = play(
      to: server.port,
      [
        .preface, .beImpolite, .headers(head), .message([1], endStream: true),
        .wait(for: "a full window") { $0[1].body.count == 65_535 }, .open(isFull), .end(),
      ])
    try await isFull.opened()
    await server.clock.advance(by: .seconds(5))

    #expect(try await seen[1].resetCode == .cancel)
    await server.server.shutDown(within: .zero)
  }

  // Spec: W78 (RFC 9113, 6.8; graceful shutdown in two steps)
  @Test("A client that does not answer the PING of a shutdown is told the last stream after 5 s")
  func drainWithoutAnswer() async throws {
    let (isCalled, mayEnd, isTold, isFinal) = (Gate(), Gate(), Gate(), Gate())
    let method = Echo.method { request, _ in
      isCalled.open()
      try await mayEnd.opened()
      return request
    }
    let server = try await TimedServer([Methods(method)])

    async let seen = play(
      to: server.port,
      [
        .preface, .headers(.request(Self.path)), .message([1], endStream: true), .beImpolite,
        .otherGoAway, .wait(for: "PING") { !$0.pings.isEmpty }, .open(isTold),
        .wait(for: "the last GOAWAY") { $0.goAways.count == 2 }, .open(isFinal), .end(),
        .otherClose,
      ])
    try await isCalled.opened()
    server.server.beginGracefulShutdown()
    try await isTold.opened()
    await server.clock.advance(by: .seconds(5))
    try await isFinal.opened()
    mayEnd.open()

    #expect(try await seen.goAways.map(\.lastStreamID) == [0x7FFF_FFFF, 1])
    #expect(try await seen[1].messages == [[1]])
    await server.server.waitForTermination()
  }

  @Test("A method runs where its options say, the others on the event loop")
  func handlerExecution() async throws {
    let loops = LoopFinder()
    let other = EventLoopGroup(loopCount: 1)
    let method: (String) -> ServerMethod = { name in
      Echo.method(name) { _, _ in [loops.isOnLoop ? 1 : 0] }
    }
    let server = try await TimedServer([Methods(method("Here"), method("Pool"), method("Own"))]) {
      $0.methods["tern.test.Echo/Pool"] = .init(handlerExecution: .concurrentPool)
      $0.methods["tern.test.Echo/Own"] = .init(handlerExecution: .executor(other.loops[0]))
    }
    loops.group = server.group

    let seen = try await play(
      to: server.port,
      [
        .preface, .headers(.request("/tern.test.Echo/Here")), .message([], endStream: true),
        .end(), .headers(.request("/tern.test.Echo/Pool"), on: 3),
        .message([], on: 3, endStream: true), .end(of: 3),
        .headers(.request("/tern.test.Echo/Own"), on: 5),
        .message([], on: 5, endStream: true), .end(of: 5),
      ])

    #expect(seen[1].messages == [[1]])
    #expect(seen[3].messages == [[0]])
    #expect(seen[5].messages == [[0]])
    await server.server.shutDown(within: .zero)
  }
}

/// Tells handlers whether they are on the loop. `@unchecked Sendable` because the group is set before
/// the first call.
private final class LoopFinder: @unchecked Sendable {
  var group: EventLoopGroup?
  var isOnLoop: Bool { group?.loops.contains { $0.isCurrent } == true }
}
