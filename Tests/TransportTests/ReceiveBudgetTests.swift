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

  // Spec: W84 (within a memory budget)
  @Test("Windows grow by at most half of the budget, so that messages never wait for them")
  func windows() {
    #expect(budget.reserveWindow(upTo: 40, atLeast: 10) == 40)
    #expect(budget.reserveWindow(upTo: 40, atLeast: 10) == 10)
    #expect(budget.reserveWindow(upTo: 40, atLeast: 10) == 0)

    #expect(budget.reserve(50, for: streams[0]))
    #expect(!budget.reserve(1, for: streams[1]))
  }

  @Test("Windows get what messages leave over, and nothing while one waits")
  func windowsAfterMessages() {
    #expect(budget.reserve(80, for: streams[0]))
    #expect(budget.reserveWindow(upTo: 40, atLeast: 10) == 20)
    budget.releaseWindow(20)
    #expect(!budget.reserve(60, for: streams[1]))

    #expect(budget.reserveWindow(upTo: 20, atLeast: 10) == 0)
  }

  @Test("A window whose stream has ended makes room for a message that waits")
  func windowReturned() {
    #expect(budget.reserveWindow(upTo: 50, atLeast: 10) == 50)
    #expect(budget.reserve(40, for: streams[0]))
    #expect(!budget.reserve(60, for: streams[1]))

    budget.releaseWindow(50)

    #expect(granted == [0, 60, 0, 0])
  }

  @Test("A message larger than the budget gets through beside windows that have grown")
  func largerThanAllBesideWindows() {
    #expect(budget.reserveWindow(upTo: 50, atLeast: 10) == 50)

    #expect(budget.reserve(1000, for: streams[0]))
  }

  @Test("A window grows by no less than it asks for at least")
  func smallSteps() {
    #expect(budget.reserveWindow(upTo: 45, atLeast: 10) == 45)

    #expect(budget.reserveWindow(upTo: 30, atLeast: 10) == 0)
    #expect(budget.reserveWindow(upTo: 5, atLeast: 5) == 5)
  }
}
