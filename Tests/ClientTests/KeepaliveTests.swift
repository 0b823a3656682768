import Testing
import TernClient
import TernCore
import TernEventLoop
import TernTransport
import TestSupport

@Suite("Client keepalive", .timeLimit(.minutes(1)))
struct KeepaliveTests {
  // Spec: W87 (A8; client keepalive)
  @Test("A silent server gets a PING after each interval, and lives on as it answers")
  func answered() async throws {
    let isCalled = Gate()
    let server = try ScriptedServer([
      .settings(), .request(), .head(), .message([0]), .open(isCalled),
      // The message behind the answer tells the test that the answer is there.
      .pings(1), .message([1]), .pings(2), .message([2]), .trailers(0),
    ])
    let client = try TimedClient(server.target) { $0.keepalive = .init(interval: .seconds(30)) }

    var answers = client.stream([]).makeAsyncIterator()
    #expect(try await answers.next() == [0])
    await client.clock.advance(by: .seconds(30))
    #expect(try await answers.next() == [1])
    // The time for the answer is over, and so is the next interval: both count from then.
    await client.clock.advance(by: .seconds(20))
    await client.clock.advance(by: .seconds(10))
    #expect(try await answers.next() == [2])
    #expect(try await answers.next() == nil)
    #expect(try await server.firstConversation().pings.count == 2)
  }

  // Spec: W88 (a PING that is not answered ends the connection)
  // Spec: W75 (who generates which status: the keepalive's watchdog)
  @Test("A PING that is not answered in time ends the connection, and its calls")
  func unanswered() async throws {
    let (isCalled, isPinged) = (Gate(), Gate())
    let server = try ScriptedServer([
      // What was answered has been read: a late byte would count as a sign of life.
      .settings(), .request(), .send(.ping()),
      .wait(for: "the answer to PING") { !$0.answeredPings.isEmpty }, .beImpolite, .open(isCalled),
      .pings(1), .open(isPinged), .otherClose,
    ])
    let client = try TimedClient(server.target) { $0.keepalive = .init(interval: .seconds(30)) }

    async let failure = client.failure()
    try await isCalled.opened()
    await client.clock.advance(by: .seconds(30))
    try await isPinged.opened()
    await client.clock.advance(by: .seconds(20))

    let error = await failure
    #expect(error?.code == .unavailable)
    #expect(
      error?.message
        == "The connection to \(server.target) was lost: the server did not answer a keepalive "
        + "PING within 20.0 seconds.")
    _ = try await server.finish()
  }

  // Spec: W87 (A8; less than 10 s is raised to 10 s)
  @Test("An interval below 10 s counts as 10 s, from the last byte that was read")
  func smallestInterval() async throws {
    let isCalled = Gate()
    let server = try ScriptedServer([
      .settings(), .request(), .open(isCalled), .end(of: 3),
      Step("no PING in 9 s") { peer in
        if !peer.seen.pings.isEmpty { throw peer.complaint("A PING came too early.") }
      },
      .answer([3], on: 3), .pings(1), .answer([1]),
    ])
    let client = try TimedClient(server.target) { $0.keepalive = .init(interval: .seconds(1)) }

    async let first = client.unary([])
    try await isCalled.opened()
    await client.clock.advance(by: .seconds(9))
    #expect(try await client.unary([]) == [3])
    await client.clock.advance(by: .seconds(10))

    #expect(try await first == [1])
    _ = try await server.finish()
  }

  // Spec: W87 (A8; off by default)
  @Test("A channel sends no PING unless its options say so")
  func off() async throws {
    let (isCalled, isLate) = (Gate(), Gate())
    let server = try ScriptedServer([
      .settings(), .end(), .open(isCalled), .hold(until: isLate), .send(.ping()),
      .wait(for: "the answer to PING") { !$0.answeredPings.isEmpty }, .answer([1]),
    ])
    let client = try TimedClient(server.target)

    async let answer = client.unary([])
    try await isCalled.opened()
    await client.clock.advance(by: .seconds(7200))
    isLate.open()

    #expect(try await answer == [1])
    #expect(try await server.firstConversation().pings.isEmpty)
  }

  // Spec: W87 (A8; without calls only if it is asked for)
  @Test("Without calls PINGs are sent only where the options say so", arguments: [false, true])
  func withoutCalls(isWanted: Bool) async throws {
    let server = try ScriptedServer([
      .settings(), .end(), .answer([1]), .end(of: 3),
      Step("count PINGs") { peer in
        let expected = isWanted ? 1 : 0
        if peer.seen.pings.count != expected {
          throw peer.complaint("Expected \(expected) PINGs, but saw \(peer.seen.pings.count).")
        }
      },
      .answer([3], on: 3),
    ])
    let client = try TimedClient(server.target) {
      $0.keepalive = .init(interval: .seconds(30), withoutCalls: isWanted)
    }

    _ = try await client.unary([])
    await client.clock.advance(by: .seconds(30))

    #expect(try await client.unary([]) == [3])
    _ = try await server.finish()
  }

  // Spec: W89 (A8: GOAWAY with too_many_pings)
  @Test("A server that gets too many PINGs gets half as many from then on")
  func tooManyPings() async throws {
    let (isCalled, isEarly, isRead) = (Gate(), Gate(), Gate())
    let server = try ScriptedServer(
      [
        .settings(), .end(), .goAway(lastStreamID: 1, .enhanceYourCalm, debug: "too_many_pings"),
        .answer([1]), .otherClose,
      ],
      [
        .settings(), .end(), .open(isCalled), .hold(until: isEarly), .send(.ping()),
        .wait(for: "the answer to PING") { !$0.answeredPings.isEmpty },
        Step("no PING in 30 s") { peer in
          if !peer.seen.pings.isEmpty { throw peer.complaint("A PING came too early.") }
        },
        .head(), .message([2]), .send(.ping([2, 2, 2, 2, 2, 2, 2, 2])),
        .wait(for: "the second answer") { $0.answeredPings.count == 2 }, .open(isRead),
        .pings(1), .message([3]), .trailers(0),
      ])
    let client = try TimedClient(server.target) { $0.keepalive = .init(interval: .seconds(30)) }

    #expect(try await client.unary([]) == [1])
    let answers = Task {
      var all: [[UInt8]] = []
      for try await answer in client.stream([]) { all.append(answer) }
      return all
    }
    try await isCalled.opened()
    await client.clock.advance(by: .seconds(30))
    isEarly.open()
    try await isRead.opened()
    // The answer to the script's PING was the last thing that came; the interval counts from its PING.
    await client.clock.advance(by: .seconds(60))

    #expect(try await answers.value == [[2], [3]])
    _ = try await server.finish()
  }
}
