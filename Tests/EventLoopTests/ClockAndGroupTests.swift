import Glibc
import Testing

@testable import TernEventLoop

@Suite("Clocks", .timeLimit(.minutes(2)))
struct ClockTests {
  @Test("A manual clock stands still, and runs what is due before advance returns")
  func manual() async throws {
    let clock = ManualClock()
    try await withLoop(clock: clock) { loop in
      let notes = Notes<Int64>()
      let begin = clock.nanoseconds
      let timers = try await loop.perform {
        let timers = [5, 20].map { seconds in
          let timer = LoopTimer { notes.append(loop.now - begin) }
          loop.schedule(timer, after: .seconds(seconds))
          return timer
        }
        return Unchecked(timers)
      }

      await clock.advance(by: .seconds(4))
      #expect(notes.all.isEmpty)
      await clock.advance(by: .seconds(2))
      #expect(notes.all == [6_000_000_000])
      await clock.advance(by: .seconds(100))

      #expect(notes.all == [6_000_000_000, 106_000_000_000])
      withExtendedLifetime(timers) {}
    }
  }

  @Test("What a timer sets off, on whatever loop of the clock, is done when advance returns")
  func consequences() async throws {
    let clock = ManualClock()
    try await withLoop(clock: clock) { first in
      try await withLoop(clock: clock) { second in
        let notes = Notes<String>()
        let timer = try await second.perform {
          let timer = LoopTimer {
            Task(executorPreference: second) {
              for _ in 0..<100 { await Task.yield() }
              first.submit { second.submit { first.submit { notes.append("done") } } }
            }
          }
          second.schedule(timer, after: .seconds(1))
          return Unchecked(timer)
        }

        await clock.advance(by: .seconds(2))

        #expect(notes.all == ["done"])
        withExtendedLifetime(timer) {}
      }
    }
  }

  @Test("Advance does not wait for a loop that has stopped")
  func stoppedLoop() async throws {
    let clock = ManualClock()
    try await withLoop(clock: clock) { loop in
      loop.stop()
      await clock.advance(by: .seconds(1))
      while !loop.hasStopped { await Task.yield() }
      await clock.advance(by: .seconds(1))
    }
  }

  @Test("Time does not go back")
  func monotonic() async {
    let clock = ManualClock()
    let begin = clock.nanoseconds

    await clock.advance(by: .seconds(-5))

    #expect(clock.nanoseconds == begin)
    #expect(EventLoopClock.system.nanoseconds <= EventLoopClock.system.nanoseconds)
  }

  // swift-format-ignore
  @Test("A duration that does not fit is clamped", arguments: [
    (Duration.zero, 0), (.nanoseconds(-5), -5), (.milliseconds(1_500), 1_500_000_000),
    (.seconds(Int64.max), .max), (.seconds(Int64.min), .min),
    (.seconds(9_223_372_036) + .nanoseconds(854_775_807), .max),
    (.seconds(9_223_372_036) + .nanoseconds(854_775_808), .max),
  ] as [(Duration, Int64)])
  func clamping(duration: Duration, nanoseconds: Int64) {
    #expect(duration.clampedNanoseconds == nanoseconds)
  }

  @Test("A timer of an endless duration waits, and harms nobody")
  func endless() async throws {
    let clock = ManualClock()
    try await withLoop(clock: clock) { loop in
      let notes = Notes<Int>()
      let timers = try await loop.perform {
        let endless = LoopTimer { notes.append(1) }
        loop.schedule(endless, after: .seconds(Int64.max))
        let past = LoopTimer { notes.append(2) }
        loop.schedule(past, after: .seconds(Int64.min))
        return Unchecked([endless, past])
      }

      await clock.advance(by: .seconds(1_000_000))

      #expect(notes.all == [2])
      withExtendedLifetime(timers) {}
    }
  }
}

@Suite("Event loop group")
struct EventLoopGroupTests {
  // swift-format-ignore
  static let quotas: [(String, Int?)] = [
    ("max 100000",     nil), ("100000 100000", 1), ("150000 100000", 2), ("50000 100000", 1),
    ("400000 100000",  4),   ("1000 100000",   1), ("0 100000",      1), ("-1 100000",    1),
    ("100000 0",       nil), ("100000",      nil), ("",            nil), ("a b",        nil),
    ("100000 100000 1", nil), ("9223372036854775807 9223372036854775807", 1),
  ]

  @Test("A cgroup's quota is rounded up to whole processors", arguments: quotas)
  func quota(text: String, processors: Int?) {
    #expect(EventLoopGroup.processors(ofQuota: text) == processors)
  }

  @Test("There are as many loops as asked for, at least one, and by default one a processor")
  func loopCount() {
    #expect(EventLoopGroup(loopCount: 3).loops.count == 3)
    #expect(EventLoopGroup(loopCount: 0).loops.count == 1)
    #expect(EventLoopGroup(loopCount: -1).loops.count == 1)
    let online = Int(sysconf(CInt(_SC_NPROCESSORS_ONLN)))
    #expect((1...online).contains(EventLoopGroup.usableProcessors))
    #expect(EventLoopGroup().loops.count == EventLoopGroup.usableProcessors)
  }

  @Test("New connections go to the loop with the fewest")
  func leastLoaded() {
    let group = EventLoopGroup(loopCount: 3)
    for loop in [0, 0, 1, 2, 2] { group.loops[loop].addConnection() }

    #expect(group.leastLoaded() === group.loops[1])
    group.loops[1].addConnection()
    group.loops[1].addConnection()
    group.loops[0].removeConnection()

    #expect(group.leastLoaded() === group.loops[0])
    #expect(group.loops.map(\.connectionCount) == [1, 3, 2])
  }

  @Test("A group that goes ends its loops")
  func ends() async {
    var group: EventLoopGroup? = EventLoopGroup(loopCount: 2)
    let loops = group?.loops ?? []

    group = nil
    for loop in loops { while !loop.hasStopped { await Task.yield() } }

    #expect(loops.allSatisfy { $0.hasStopped })
  }
}
