internal import Glibc

/// Where a loop gets its time from: the system, or a test.
///
/// Moments are nanoseconds since an unknown start; they never go back.
public class EventLoopClock: @unchecked Sendable {
  // `@unchecked Sendable` because the system's clock has no state, and ManualClock has a lock.

  /// The system's monotonic clock.
  public static let system = EventLoopClock()

  fileprivate init() {}

  /// The time now, in nanoseconds.
  package var nanoseconds: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Whether time passes by itself, so that a loop may sleep until a timer is due.
  var passesByItself: Bool { true }

  func attach(_ loop: EventLoop) {}
}

/// A clock that stands still until a test moves it.
///
/// ```swift
/// let clock = ManualClock()
/// let group = EventLoopGroup(loopCount: 1, clock: clock)
/// await clock.advance(by: .seconds(20))   // all timers that are due have run
/// ```
public final class ManualClock: EventLoopClock, @unchecked Sendable {
  // `@unchecked Sendable` because `lock` guards both variables.
  private let lock = Lock()
  private var time: Int64 = 1_000_000_000
  private var loops: [WeakLoop] = []

  private struct WeakLoop { weak var loop: EventLoop? }

  public override init() { super.init() }

  package override var nanoseconds: Int64 {
    lock.lock()
    defer { lock.unlock() }
    return time
  }

  override var passesByItself: Bool { false }

  override func attach(_ loop: EventLoop) {
    lock.lock()
    defer { lock.unlock() }
    loops.append(WeakLoop(loop: loop))
  }

  /// Moves the time, runs the timers that are due by then on their loops, and returns when these
  /// loops have nothing left to do.
  public func advance(by duration: Duration) async {
    let loops = move(by: duration)
    var counts: [Int] = []
    while true {
      let before = counts
      counts = []
      for loop in loops { counts.append(await loop.becomeIdle()) }
      // A loop may have given work to one that was idle already. So: twice in a row nothing, but
      // the one piece of work that asking is.
      if counts == before.map({ $0 + 1 }) { return }
    }
  }

  /// Moves the time, and waits for nothing.
  ///
  /// - Returns: The loops that may have timers due now.
  @discardableResult
  package func move(by duration: Duration) -> [EventLoop] {
    lock.lock()
    defer { lock.unlock() }
    time += max(0, duration.clampedNanoseconds)
    return loops.compactMap(\.loop)
  }
}

extension Duration {
  /// In nanoseconds; what does not fit becomes the largest or smallest number.
  package var clampedNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflows { return seconds < 0 ? .min : .max }
    let (sum, sumOverflows) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
    return sumOverflows ? (seconds < 0 ? .min : .max) : sum
  }
}
