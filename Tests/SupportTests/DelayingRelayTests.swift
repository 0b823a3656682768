import Testing

import TestSupport

@Suite("Delaying relay", .timeLimit(.minutes(1)))
struct DelayingRelayTests {
  @Test("All that both sides say arrives, in order, and so does the end")
  func call() async throws {
    let long = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 251) }
    let server = try ScriptedServer([.settings(), .end(of: 1), .answer([9]), .close])
    let relay = try DelayingRelay(
      to: server.port, .init(delay: .milliseconds(1), bytesPerSecond: 1 << 30))
    let body = stride(from: 0, to: long.count, by: 16_000).map {
      Array(long[$0..<min($0 + 16_000, long.count)])
    }

    let seen = try await play(
      to: relay.port,
      [.preface, .headers(.request("/a.B/C"))] + body.map { .data($0) }
        + [.data([], endStream: true), .end(of: 1), .otherClose])
    let heard = try await server.finish()[0]

    #expect(heard[1].body == long)
    #expect(seen[1].messages == [[9]])
    #expect(seen.end == .closed)
  }
}
