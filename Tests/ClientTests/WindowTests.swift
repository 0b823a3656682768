import Testing
import TernClient
import TernCore
import TernEventLoop
import TernTransport
import TestSupport

/// What a client lets its server have under way, and what makes that grow.
@Suite("Windows of a client", .timeLimit(.minutes(1)))
struct WindowTests {
  private static let frameBytes = 16 << 10

  /// Messages of 16 KiB with their prefixes, as many as the window lets through at a time.
  private static func frames(_ count: Int) -> Step {
    Step("\(count) frames") { peer in
      let payload = [UInt8](repeating: 7, count: frameBytes - 5)
      for _ in 0..<count {
        let sent = peer.seen.sentBytes + frameBytes
        try peer.wait(for: "room") { $0.allowedBytes >= sent }
        try peer.send(.message(payload))
      }
    }
  }

  private static let start: [Step] = [
    .settings(), .end(of: 1), .send(.ping()),
    .wait(for: "the answer to PING") { !$0.answeredPings.isEmpty }, .beImpolite, .head(),
  ]

  // Spec: W91 (a PING next to DATA, at most one at a time)
  @Test("Half a window of DATA brings one PING, whose answer leads to a larger window")
  func growth() async throws {
    let clock = ManualClock()
    let roundTrip = Step("50 ms") { _ in clock.move(by: .milliseconds(50)) }
    let server = try ScriptedServer(
      Self.start + [
        Self.frames(8), .pings(1), roundTrip,
        Step("answer to PING") { try $0.send(Frame(.ping, flags: .acknowledge, $0.seen.pings[0])) },
        Self.frames(32), .settle, roundTrip, Self.frames(2),
        .wait(for: "a larger window") { $0.allowedBytes - $0.sentBytes > 256 << 10 },
        .trailers(0),
      ])

    let count = try await Self.download(from: server, clock)

    #expect(count == 42)
    #expect(try await server.firstConversation().pings.count == 1)
  }

  @Test("An option that is not above the window switches measuring off")
  func off() async throws {
    let server = try ScriptedServer(Self.start + [Self.frames(100), .trailers(0)])

    let count = try await Self.download(from: server, ManualClock()) { $0.maxStreamWindowBytes = 0 }

    #expect(count == 100)
    #expect(try await server.firstConversation().pings.isEmpty)
  }

  // Spec: W84 (RFC 9113, 6.5.2 and 6.9.1)
  @Test("The windows that a server is told of are those of the options")
  func options() async throws {
    let server = try ScriptedServer([
      .settings(), .end(of: 1),
      .wait(for: "WINDOW_UPDATE") { $0.windowUpdates[0] != nil }, .head(), .trailers(0),
    ])

    _ = try await Self.download(from: server, ManualClock()) {
      $0.streamWindowBytes = 100_000
      $0.connectionWindowBytes = 300_000
    }

    let seen = try await server.firstConversation()
    #expect(seen.settings[.initialWindowSize] == 100_000)
    #expect(65_535 + seen.windowUpdates[0, default: 0] == 300_000)
  }

  /// - Returns: How many messages came.
  private static func download(
    from server: ScriptedServer, _ clock: ManualClock,
    _ configure: (inout ChannelOptions) -> Void = { _ in }
  ) async throws -> Int {
    let client = try TimedClient(server.target, clock: clock, configure)
    var count = 0
    for try await _ in client.stream([]) { count += 1 }
    return count
  }
}

extension Step {
  /// The client has read all that was sent so far.
  fileprivate static let settle = Step("settle") { peer in
    let count = peer.seen.answeredPings.count
    try peer.send(.ping())
    try peer.wait(for: "the answer to PING") { $0.answeredPings.count > count }
  }
}

extension Conversation {
  /// What this side has sent as DATA, from its own lines in the transcript.
  fileprivate var sentBytes: Int {
    transcript.reduce(0) { sum, line in
      let words = line.split(separator: " ")
      guard words.count >= 4, words[0] == "->", words[2] == "DATA" else { return sum }
      return sum + (Int(words[3]) ?? 0)
    }
  }

  /// What the other side has allowed on the first stream since its beginning.
  fileprivate var allowedBytes: Int { (256 << 10) + windowUpdates[1, default: 0] }
}
