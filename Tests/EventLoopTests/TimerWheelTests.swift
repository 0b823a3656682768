import TestSupport
import Testing

@testable import TernEventLoop

@Suite("Timer wheel")
struct TimerWheelTests {
  private static let tick = TimerWheel.tickNanoseconds

  /// A wheel whose time does not begin at a round number.
  private let begin: Int64 = 12_345 * 1_000_000 + 678

  /// The first millisecond, counted from the begin, in which a timer of a delay fires.
  private func firingTick(delayTicks: Int64, steps: Int64) -> Int64? {
    let wheel = TimerWheel(nanoseconds: begin)
    var hasFired = false
    let timer = LoopTimer { hasFired = true }
    wheel.add(timer, nanoseconds: begin + delayTicks * Self.tick)
    var elapsed: Int64 = 0
    while elapsed <= delayTicks + steps {
      elapsed += steps
      wheel.advance(toNanoseconds: begin + elapsed * Self.tick)
      if hasFired { return elapsed }
    }
    return nil
  }

  @Test(
    "A timer fires in the first turn after its moment, on each level",
    arguments: [1, 2, 62, 63, 64, 65, 127, 128, 4_095, 4_096, 4_097, 5_000, 8_191, 8_192])
  func firing(delayTicks: Int64) {
    // The begin is not on a tick, so the moment is rounded up.
    #expect(firingTick(delayTicks: delayTicks, steps: 1) == delayTicks + 1)
  }

  @Test(
    "Long delays cascade through all levels, and beyond the last one",
    arguments: [
      262_143, 262_144, 262_145, 300_000, 16_777_215, 16_777_216, 16_777_217, 20_000_000,
      50_331_648, 100_000_000,
    ])
  func cascade(delayTicks: Int64) {
    let wheel = TimerWheel(nanoseconds: begin)
    var hasFired = false
    let timer = LoopTimer { hasFired = true }
    let due = begin + delayTicks * Self.tick
    wheel.add(timer, nanoseconds: due)

    // As a loop does: sleep until the wheel has something to do.
    var now = begin
    while !hasFired, let next = wheel.nextNanoseconds, next <= due + Self.tick {
      #expect(next > now)
      now = next
      wheel.advance(toNanoseconds: now)
    }

    #expect(hasFired)
    #expect(now >= due && now - due < Self.tick)
    #expect(wheel.count == 0)
  }

  @Test("A jump over many timers runs each once, in the order of their moments")
  func jump() {
    let wheel = TimerWheel(nanoseconds: begin)
    var fired: [Int64] = []
    let delays: [Int64] = [70_000_000, 3, 64, 4_096, 1, 262_144, 65, 300]
    let timers = delays.map { delay in LoopTimer { fired.append(delay) } }
    for (timer, delay) in zip(timers, delays) {
      wheel.add(timer, nanoseconds: begin + delay * Self.tick)
    }

    wheel.advance(toNanoseconds: begin + 100_000_000 * Self.tick)

    #expect(fired == delays.sorted())
    #expect(wheel.nextNanoseconds == nil)
  }

  @Test("A moment that is past, or negative, fires in the next tick")
  func past() {
    let wheel = TimerWheel(nanoseconds: begin)
    var count = 0
    let timers = (0..<3).map { _ in LoopTimer { count += 1 } }
    wheel.add(timers[0], nanoseconds: begin)
    wheel.add(timers[1], nanoseconds: 0)
    wheel.add(timers[2], nanoseconds: .min)

    wheel.advance(toNanoseconds: begin)
    #expect(count == 0)
    wheel.advance(toNanoseconds: begin + Self.tick)

    #expect(count == 3)
  }

  @Test("The last moment that there is can be waited for")
  func endOfTime() {
    let wheel = TimerWheel(nanoseconds: begin)
    let timer = LoopTimer {}

    wheel.add(timer, nanoseconds: .max)
    wheel.advance(toNanoseconds: begin + 1_000_000_000_000_000)

    #expect(timer.isScheduled)
    #expect(wheel.nextNanoseconds != nil)
  }

  @Test("A cancelled timer does not fire, and can be scheduled again")
  func cancel() {
    let wheel = TimerWheel(nanoseconds: begin)
    var count = 0
    let timer = LoopTimer { count += 1 }

    wheel.add(timer, nanoseconds: begin + 5 * Self.tick)
    wheel.cancel(timer)
    wheel.cancel(timer)
    wheel.advance(toNanoseconds: begin + 10 * Self.tick)
    #expect(count == 0 && !timer.isScheduled && wheel.count == 0)
    wheel.add(timer, nanoseconds: begin + 15 * Self.tick)
    wheel.advance(toNanoseconds: begin + 20 * Self.tick)

    #expect(count == 1)
  }

  @Test("Scheduling a timer again moves it")
  func move() {
    let wheel = TimerWheel(nanoseconds: begin)
    var count = 0
    let timer = LoopTimer { count += 1 }
    wheel.add(timer, nanoseconds: begin + 5 * Self.tick)
    wheel.add(timer, nanoseconds: begin + 500 * Self.tick)

    wheel.advance(toNanoseconds: begin + 499 * Self.tick)
    #expect(count == 0 && wheel.count == 1)
    wheel.advance(toNanoseconds: begin + 501 * Self.tick)

    #expect(count == 1)
  }

  @Test("An action may schedule its own timer again, and cancel another one of the same tick")
  func actions() {
    let wheel = TimerWheel(nanoseconds: begin)
    let tick = Self.tick
    let begin = begin
    var fired: [String] = []
    var repeating: LoopTimer?
    let victims = (0..<2).map { index in LoopTimer { fired.append("victim \(index)") } }
    repeating = LoopTimer {
      fired.append("repeating")
      for victim in victims { wheel.cancel(victim) }
      if fired.count < 3, let repeating { wheel.add(repeating, nanoseconds: begin) }
    }
    wheel.add(victims[0], nanoseconds: begin + 100 * tick)
    if let repeating { wheel.add(repeating, nanoseconds: begin + 50 * tick) }
    wheel.add(victims[1], nanoseconds: begin + 51 * tick)

    wheel.advance(toNanoseconds: begin + 1_000 * tick)

    #expect(fired == ["repeating", "repeating", "repeating"])
    repeating = nil
  }

  @Test("A wheel that goes lets go of its timers, and they can go to another")
  func release() {
    var wheel: TimerWheel? = TimerWheel(nanoseconds: begin)
    weak var weakTimer: LoopTimer?
    let kept = LoopTimer {}
    do {
      let timer = LoopTimer {}
      weakTimer = timer
      wheel?.add(timer, nanoseconds: begin + 100 * Self.tick)
      wheel?.add(kept, nanoseconds: begin + 100_000_000 * Self.tick)
    }
    #expect(weakTimer != nil)

    wheel = nil

    #expect(weakTimer == nil)
    #expect(!kept.isScheduled)
  }

  @Test("What fires when is what a plain list of moments says", arguments: 0..<20 as Range<UInt64>)
  func model(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var now = begin
    let wheel = TimerWheel(nanoseconds: now)
    var fired: [Int] = []
    let timers = (0..<40).map { index in LoopTimer { fired.append(index) } }
    var dueTicks: [Int: Int64] = [:]

    for _ in 0..<1_500 {
      let index = Int.random(in: 0..<timers.count, using: &generator)
      switch Int.random(in: 0...5, using: &generator) {
      case 0...2:
        // From below a tick to some years, each order of magnitude as often as another.
        let bits = Int.random(in: 0...56, using: &generator)
        let due = now + Int64.random(in: 0...(1 << bits), using: &generator)
        wheel.add(timers[index], nanoseconds: due)
        dueTicks[index] = max((due + Self.tick - 1) / Self.tick, now / Self.tick + 1)
      case 3:
        wheel.cancel(timers[index])
        dueTicks[index] = nil
      default:
        let bits = Int.random(in: 0...50, using: &generator)
        now += Int64.random(in: 0...(1 << bits), using: &generator)
        fired = []
        wheel.advance(toNanoseconds: now)
        let expected = dueTicks.filter { $0.value <= now / Self.tick }
        #expect(Set(fired) == Set(expected.keys) && fired.count == expected.count)
        let ticks = fired.compactMap { dueTicks[$0] }
        #expect(ticks == ticks.sorted())
        for index in fired { dueTicks[index] = nil }
      }
      #expect(wheel.count == dueTicks.count)
      if let next = wheel.nextNanoseconds {
        let earliest = dueTicks.values.min().map { $0 * Self.tick }
        #expect(next > now - Self.tick && earliest.map { next <= $0 } == true)
      } else {
        #expect(dueTicks.isEmpty)
      }
    }
  }
}
