import Testing
import TernEventLoop

@testable import TernTransport

@Suite("Receive budget")
struct ReceiveBudgetTests {
  private let budget = ReceiveBudget(totalBytes: 100)
  private let streams: [ClientStream]

  init() {
    let loop = EventLoopGroup(loopCount: 1).loops[0]
    streams = (0..<4).map { _ in .unsent(on: loop) }
  }

  private var granted: [Int] { streams.map(\.reservedBytes) }

  @Test("What fits is granted at once")
  func fits() {
    #expect(budget.reserve(60, for: streams[0]))
    #expect(budget.reserve(40, for: streams[1]))
    #expect(!budget.reserve(1, for: streams[2]))
  }

  @Test("Who came first goes first, even where a later and smaller one would fit")
  func firstComeFirstServed() {
    #expect(budget.reserve(60, for: streams[0]))
    #expect(!budget.reserve(50, for: streams[1]))
    #expect(!budget.reserve(10, for: streams[2]))

    budget.release(60)

    #expect(granted == [0, 50, 10, 0])
  }

  @Test("A message larger than the whole budget gets through, alone")
  func largerThanAll() {
    #expect(budget.reserve(10, for: streams[0]))
    #expect(!budget.reserve(1000, for: streams[1]))
    #expect(!budget.reserve(10, for: streams[2]))

    budget.release(10)
    #expect(granted == [0, 1000, 0, 0])
    budget.release(1000)

    #expect(granted == [0, 1000, 10, 0])
  }

  @Test("Who gives up is not served")
  func withdraw() {
    #expect(budget.reserve(100, for: streams[0]))
    #expect(!budget.reserve(50, for: streams[1]))
    #expect(!budget.reserve(60, for: streams[2]))

    budget.withdraw(streams[1])
    budget.release(100)

    #expect(granted == [0, 0, 60, 0])
  }

  @Test("When the first in the queue gives up, those behind it that fit are served")
  func withdrawFirst() {
    #expect(budget.reserve(60, for: streams[0]))
    #expect(!budget.reserve(50, for: streams[1]))
    #expect(!budget.reserve(30, for: streams[2]))
    #expect(!budget.reserve(20, for: streams[3]))

    budget.withdraw(streams[1])

    #expect(granted == [0, 0, 30, 0])
  }
}
