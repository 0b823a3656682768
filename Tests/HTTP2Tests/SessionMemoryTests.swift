import Foundation
import TernHTTP2
import TestSupport
import Testing

@Suite("Memory of sessions")
struct SessionMemoryTests {
  /// Calls that are open at the same time, and then end.
  private func exchange(_ pair: Pair, calls: Int) throws {
    for _ in 0..<calls { try pair.client.open(body: [1, 2, 3]) }
    try pair.settle()
    for stream in pair.server.streams { try pair.server.answer(stream, body: [4]) }
    try pair.settle()
    #expect(pair.client.streams.allSatisfy { $0.closeCodes == [0] && $0.body == [4] })
    pair.client.forgetStreams()
    pair.server.forgetStreams()
  }

  private func pair(_ memory: SessionMemory) throws -> Pair {
    var settings = HTTP2Settings()
    settings.maxConcurrentStreams = 10_000
    return try Pair(client: settings, server: settings, memory: memory)
  }

  @Test("What calls have left serves the calls after them")
  func reuse() throws {
    let memory = SessionMemory()
    let pair = try pair(memory)
    try exchange(pair, calls: 100)
    let kept = memory.keptBytes
    #expect(kept > 0)
    for _ in 0..<50 { try exchange(pair, calls: 100) }
    // Some blocks grow with the session's tables; those of each call would be fifty times as many.
    #expect(memory.keptBytes < 2 * kept)
  }

  @Test("It keeps no more than its limit, however many calls end at once")
  func limit() throws {
    let memory = SessionMemory()
    let pair = try pair(memory)
    try exchange(pair, calls: 5_000)
    #expect(memory.keptBytes >= SessionMemory.maxKeptBytes)
    // The last block may be as long as a kept one is at most.
    #expect(memory.keptBytes < SessionMemory.maxKeptBytes + 512)
  }

  @Test("A session that goes on another thread leaves the lists alone")
  func otherThread() async throws {
    let memory = SessionMemory()
    var pair: Pair? = try pair(memory)
    try exchange(#require(pair), calls: 100)
    let kept = memory.keptBytes
    try #require(pair).client.open(body: [1])
    let (box, isGone) = (PairBox(pair), Gate())
    pair = nil
    Thread.detachNewThread {
      box.pair = nil
      isGone.open()
    }
    try await isGone.opened()
    #expect(memory.keptBytes <= kept)
  }

  private final class PairBox: @unchecked Sendable {
    // `@unchecked Sendable` because one thread after the other has it.
    var pair: Pair?
    init(_ pair: Pair?) { self.pair = pair }
  }
}
