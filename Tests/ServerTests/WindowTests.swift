import Testing
import TernCore
import TernEventLoop
import TernServer
import TernTransport
import TestSupport

/// What a server lets its clients have under way, and what makes that grow.
@Suite("Windows of a server", .timeLimit(.minutes(1)))
struct WindowTests {
  private static let frameBytes = 16 << 10
  private static let windowBytes = 256 << 10

  /// Takes messages as they come.
  private static let taking = ServerMethod.clientStreaming(
    RPCMethod<[UInt8], [UInt8]>(
      MethodDescriptor(service: "tern.test.Echo", method: "Take", kind: .clientStreaming),
      requestCodec: .bytes, responseCodec: .bytes)
  ) { requests, _ in
    var count = 0
    for try await _ in requests { count += 1 }
    return [UInt8(truncatingIfNeeded: count)]
  }

  private static func server(
    _ configure: (inout ServerOptions) -> Void = { _ in }
  ) async throws -> TimedServer {
    try await TimedServer([Methods(taking, Echo.method())], configure)
  }

  /// DATA frames of 16 KiB, each a message, as many as the window lets through at a time.
  private static func frames(_ count: Int, on id: Frame.StreamID = 1) -> Step {
    Step("\(count) frames on \(id)") { peer in
      let payload = [UInt8](repeating: 7, count: frameBytes - 5)
      for _ in 0..<count {
        let sent = peer.seen.sentBytes(on: id) + frameBytes
        try peer.wait(for: "room on \(id)") {
          $0.allowedBytes(on: id, initially: windowBytes) >= sent
            && 65_535 + $0.windowUpdates[0, default: 0] >= sent
        }
        try peer.send(.message(payload, on: id))
      }
    }
  }

  /// Answers the PING 50 ms later, sends what fills two more round trips, and lets the second one pass.
  private static func answerPing(_ clock: ManualClock, frames count: Int) -> [Step] {
    let roundTrip = Step("50 ms") { _ in clock.move(by: .milliseconds(50)) }
    return [
      pings(1), roundTrip,
      Step("answer to PING") { peer in
        try peer.send(Frame(.ping, flags: .acknowledge, peer.seen.pings.last ?? []))
      },
      settle, frames(count), settle, roundTrip, frames(1), settle,
    ]
  }

  /// The server has read all that was sent so far.
  private static let settle = Step("settle") { peer in
    let count = peer.seen.answeredPings.count
    try peer.send(.ping())
    try peer.wait(for: "the answer to PING") { $0.answeredPings.count > count }
  }

  private static func pings(_ count: Int) -> Step {
    .wait(for: "\(count) PINGs") { $0.pings.count >= count }
  }

  private static let start: [Step] = [
    .preface, .otherSettings, .beImpolite,
    .headers(.request("/tern.test.Echo/Take")),
  ]

  /// What the server has let through so far, beyond all that was sent.
  private static let moreRoomThanInitially = Step.wait(for: "a larger window") {
    $0.allowedBytes(on: 1, initially: windowBytes) - $0.sentBytes(on: 1) > windowBytes
  }

  // Spec: W91 (a PING next to DATA, at most one at a time)
  @Test("Half a window of DATA brings a PING, and round trips that fill the window a larger one")
  func growth() async throws {
    let server = try await Self.server()

    let seen = try await play(
      to: server.port,
      Self.start + [Self.frames(8)] + Self.answerPing(server.clock, frames: 17) + [
        Self.frames(1), Self.moreRoomThanInitially, .data([], endStream: true), .end(),
      ])

    #expect(seen.pings.count == 1, "\(seen.transcript)")
    #expect(seen[1].messages == [[27]])
    await server.server.shutDown(within: .zero)
  }

  @Test("A PING that is not answered is the only one, and leaves the window as it is")
  func unanswered() async throws {
    let server = try await Self.server()

    let seen = try await play(
      to: server.port, Self.start + [Self.frames(200), .data([], endStream: true), .end()])

    #expect(seen.pings.count == 1)
    #expect(
      seen.allowedBytes(on: 1, initially: Self.windowBytes) <= 201 * Self.frameBytes
        + Self.windowBytes)
    await server.server.shutDown(within: .zero)
  }

  // Spec: W91 (up to a cap)
  @Test("A window grows up to the option, and then no PING is sent any more")
  func cap() async throws {
    let cap = 260 << 10
    let server = try await Self.server { $0.maxStreamWindowBytes = cap }

    let seen = try await play(
      to: server.port,
      Self.start + [Self.frames(8)] + Self.answerPing(server.clock, frames: 32) + [
        Self.frames(200), .data([], endStream: true), .end(),
      ])

    #expect(seen.pings.count == 1)
    let room =
      seen.allowedBytes(on: 1, initially: Self.windowBytes) - seen.sentBytes(on: 1)
    #expect(room <= cap)
    await server.server.shutDown(within: .zero)
  }

  @Test("An option that is not above the window switches measuring off")
  func off() async throws {
    let server = try await Self.server { $0.maxStreamWindowBytes = $0.streamWindowBytes }

    let seen = try await play(
      to: server.port, Self.start + [Self.frames(200), .data([], endStream: true), .end()])

    #expect(seen.pings.isEmpty)
    await server.server.shutDown(within: .zero)
  }

  // Spec: W84 (within a memory budget)
  @Test("Without room in the budget a window stays as it is")
  func noBudget() async throws {
    let server = try await Self.server { $0.receiveBudgetBytes = 100 << 10 }

    let seen = try await play(
      to: server.port,
      Self.start + [Self.frames(8)] + Self.answerPing(server.clock, frames: 32) + [
        Self.frames(60), .data([], endStream: true), .end(),
      ])

    let room =
      seen.allowedBytes(on: 1, initially: Self.windowBytes) - seen.sentBytes(on: 1)
    #expect(room <= Self.windowBytes)
    await server.server.shutDown(within: .zero)
  }

  // Spec: W84 (RFC 9113, 6.5.2 and 6.9.1)
  @Test("The windows that clients are told of are those of the options")
  func options() async throws {
    let server = try await Self.server {
      $0.streamWindowBytes = 100_000
      $0.connectionWindowBytes = 300_000
    }

    let seen = try await play(
      to: server.port,
      [.preface, .otherSettings, .wait(for: "WINDOW_UPDATE") { $0.windowUpdates[0] != nil }])

    #expect(seen.settings[.initialWindowSize] == 100_000)
    #expect(65_535 + seen.windowUpdates[0, default: 0] == 300_000)
    await server.server.shutDown(within: .zero)
  }

  // Spec: W84 (within a memory budget)
  @Test("A long message gets no credit while another one holds the budget")
  func budget() async throws {
    let server = try await Self.server {
      $0.streamWindowBytes = 64 << 10
      $0.receiveBudgetBytes = 1 << 20
    }
    let length = 800 << 10
    let begin = [0] + bigEndian(UInt32(length)) + [UInt8](repeating: 1, count: frameCount * 1024)

    let seen = try await play(
      to: server.port,
      [.preface, .otherSettings]
        + [1, 3].flatMap { id -> [Step] in
          [
            .headers(.request("/tern.test.Echo/Unary"), on: id),
            .data(Array(begin[..<(16 << 10)]), on: id),
            .data(Array(begin[(16 << 10)..<(32 << 10)]), on: id),
            .data(Array(begin[(32 << 10)...]), on: id),
          ]
        }
        + [
          .wait(for: "credit on 1") { $0.windowUpdates[1, default: 0] > 0 },
          .send(.ping()), .wait(for: "the answer to PING") { !$0.answeredPings.isEmpty },
          Step("no credit on 3") { peer in
            if peer.seen.windowUpdates[3] != nil { throw peer.complaint("There was room.") }
          },
          .reset(.cancel, on: 1),
          .wait(for: "credit on 3") { $0.windowUpdates[3, default: 0] > 0 },
        ])

    #expect(seen.goAways.isEmpty)
    await server.server.shutDown(within: .zero)
  }

  private var frameCount: Int { 40 }
}

extension Conversation {
  /// What this side has sent as DATA, from its own lines in the transcript.
  fileprivate func sentBytes(on id: Frame.StreamID) -> Int {
    transcript.reduce(0) { sum, line in
      let words = line.split(separator: " ")
      guard words.count >= 4, words[0] == "->", words[1] == "\(id)", words[2] == "DATA" else {
        return sum
      }
      return sum + (Int(words[3]) ?? 0)
    }
  }

  /// What the other side has allowed on a stream since its beginning.
  fileprivate func allowedBytes(on id: Frame.StreamID, initially bytes: Int) -> Int {
    bytes + windowUpdates[id, default: 0]
  }
}
