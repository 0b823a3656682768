internal import TernEventLoop

/// Where a server stands in its life; each step is taken once, from whatever thread.
///
///     idle ── start ──▶ running ── drain ──▶ draining ── last connection ──▶ over
@safe final class ServerState: @unchecked Sendable {
  // `@unchecked Sendable` because `lock` guards all variables.
  private enum Phase { case idle, running, draining, over }

  private let lock = Lock()
  private var phase = Phase.idle
  private var busyLoops = 0
  private var waiters: [CheckedContinuation<Void, Never>] = []

  /// - Returns: `false` if it was started before.
  func start(loopCount: Int) -> Bool {
    lock.lock()
    defer { lock.unlock() }
    guard phase == .idle else { return false }
    phase = .running
    busyLoops = loopCount
    return true
  }

  /// Starting went wrong: it may be tried again.
  func undoStart() {
    lock.lock()
    if phase == .running { phase = .idle }
    lock.unlock()
  }

  /// - Returns: Whether the caller has to drain the loops.
  func drain() -> Bool {
    lock.lock()
    let mustDrain = phase == .running
    if mustDrain { phase = .draining }
    let mustEnd = phase == .idle
    lock.unlock()
    if mustEnd { end() }
    return mustDrain
  }

  /// One loop has no connection left, and gets no new one.
  func loopIsEmpty() {
    lock.lock()
    busyLoops -= 1
    let isLast = busyLoops == 0
    lock.unlock()
    if isLast { end() }
  }

  private func end() {
    lock.lock()
    phase = .over
    let waiting = waiters
    waiters = []
    lock.unlock()
    for waiter in waiting { waiter.resume() }
  }

  func waitUntilOver() async {
    await withCheckedContinuation { continuation in
      lock.lock()
      let isOver = phase == .over
      if !isOver { waiters.append(continuation) }
      lock.unlock()
      if isOver { continuation.resume() }
    }
  }
}
