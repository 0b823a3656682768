/// Something with bytes to write: flushed once, at the end of the turn in which it became dirty.
package protocol Flushable: AnyObject {
  /// For the loop: whether it is in its list.
  var isDirty: Bool { get set }
  /// Writes what it has. Runs on the loop.
  func flush()
}

/// Hears of turns that took longer than `EventLoop.longTurnNanoseconds`.
package protocol LongTurnObserver: AnyObject {
  func noteLongTurn(nanoseconds: Int64)
}

extension EventLoop {
  /// How often jobs that make new jobs are followed within one turn, and how often a flush that
  /// wakes jobs is. Both bounds are needed: a handler that loops over `Task.yield()` would
  /// otherwise keep the loop from its sockets for ever.
  private static let maxJobPasses = 16
  private static let maxRounds = 4
  /// Enough for a handler that waits once; the others must not hold up the sockets behind.
  private static let maxJobPassesPerSocket = 2

  /// sockets → work from other threads → timers → handlers and other jobs → flush.
  ///
  /// - Returns: `false` when the loop has stopped.
  func turn() -> Bool {
    let isIdle = takeRemoteWork()
    let readyCount = poller.wait(milliseconds: isIdle ? sleepMilliseconds : 0)
    if isIdle { wakeUp() }
    turnBegan = clock.nanoseconds

    runWork()
    for index in 0..<readyCount {
      deliver(poller.key(of: index), poller.readiness(of: index))
      // At once and not after all sockets: what one connection's calls need is then still in the
      // processor's cache, and its streams serve the next connection.
      runJobs(maxPasses: Self.maxJobPassesPerSocket)
      flushDirty()
    }
    timers.advance(toNanoseconds: turnBegan)
    var rounds = 0
    repeat {
      rounds += 1
      runJobs(maxPasses: Self.maxJobPasses)
      flushDirty()
    } while rounds < Self.maxRounds && hasJobs
    checkTurnLength()
    if isIdle && readyCount == 0 { answerIdleWaiters() }
    return !endIfStopping()
  }

  private var hasJobs: Bool { !jobs.isEmpty || workers.hasReadyTasks || !dirty.isEmpty }

  /// Moves what other threads queued to the loop's own lists.
  ///
  /// The decision to sleep is made under the same lock as queueing, so no wake-up is lost.
  ///
  /// - Returns: Whether there is nothing to do.
  private func takeRemoteWork() -> Bool {
    remoteLock.lock()
    defer { remoteLock.unlock() }
    isToldToStop = isStopping
    let isIdle = !hasJobs && remoteJobs.isEmpty && remoteWork.isEmpty && !isStopping
    if isIdle {
      isAsleep = true
    } else {
      remoteJobs.moveAll(to: jobs)
      remoteWork.moveAll(to: work)
    }
    return isIdle
  }

  /// What woke the loop is mostly work from another thread, which this turn then does: in the next
  /// one the sockets would be asked again before it.
  private func wakeUp() {
    remoteLock.lock()
    isAsleep = false
    remoteJobs.moveAll(to: jobs)
    remoteWork.moveAll(to: work)
    remoteLock.unlock()
  }

  private var sleepMilliseconds: Int32 {
    if !idleWaiters.isEmpty { return 0 }
    guard clock.passesByItself, let due = timers.nextNanoseconds else { return -1 }
    let remaining = due - clock.nanoseconds
    if remaining <= 0 { return 0 }
    return Int32(clamping: (remaining + 999_999) / 1_000_000)
  }

  private func runWork() {
    itemCount &+= work.count
    while let item = work.popFirst() { item() }
  }

  private func runJobs(maxPasses: Int) {
    let executor = unsafe asUnownedTaskExecutor()
    var passes = 0
    while passes < maxPasses {
      workers.pump()
      if jobs.isEmpty { return }
      itemCount &+= jobs.count
      // Not those that they add.
      for _ in 0..<jobs.count {
        if let job = jobs.popFirst() { unsafe job.runSynchronously(on: executor) }
      }
      passes += 1
    }
  }

  private func flushDirty() {
    itemCount &+= dirty.count
    for _ in 0..<dirty.count {
      guard let flushable = dirty.popFirst() else { return }
      flushable.isDirty = false
      flushable.flush()
    }
  }

  /// Has `flushable` flushed at the end of this turn, once however often it is asked for.
  package func markDirty(_ flushable: any Flushable) {
    if flushable.isDirty { return }
    flushable.isDirty = true
    dirty.append(flushable)
  }

  /// - Returns: Whether this was the last turn.
  private func endIfStopping() -> Bool {
    if !isToldToStop || hasJobs { return false }
    if workers.retireAll() { return false }  // They end as jobs, in another turn.
    dropSources()
    answerIdleWaiters()
    return !hasJobs && endIfNothingIsQueued()
  }

  // MARK: Timers

  /// Runs the timer's action at a moment on the loop's clock. Moves it if it was scheduled.
  package func schedule(_ timer: LoopTimer, at nanoseconds: Int64) {
    timers.add(timer, nanoseconds: nanoseconds)
  }

  /// Runs the timer's action after a time, counted from the begin of this turn.
  package func schedule(_ timer: LoopTimer, after duration: Duration) {
    let (moment, overflows) = now.addingReportingOverflow(duration.clampedNanoseconds)
    timers.add(timer, nanoseconds: overflows ? .max - TimerWheel.tickNanoseconds : moment)
  }

  package func cancel(_ timer: LoopTimer) { timers.cancel(timer) }

  // MARK: Idle

  /// Returns when the loop had a turn with nothing to do, all due timers included.
  ///
  /// - Returns: How much it has run by then; the question counts as one.
  @discardableResult
  func becomeIdle() async -> Int {
    await withCheckedContinuation { continuation in
      submit { [unowned self] in
        idleWaiters.append { [unowned self] in continuation.resume(returning: itemCount) }
      }
    }
  }

  private func answerIdleWaiters() {
    if idleWaiters.isEmpty { return }
    let waiters = idleWaiters
    idleWaiters = []
    for waiter in waiters { waiter() }
  }

  // MARK: Watchdog

  /// A turn above this keeps every connection of the loop waiting, which people notice.
  package static let longTurnNanoseconds: Int64 = 100_000_000

  private func checkTurnLength() {
    if longTurnObservers.isEmpty { return }
    let length = clock.nanoseconds - turnBegan
    if length <= Self.longTurnNanoseconds { return }
    for observer in longTurnObservers { observer.noteLongTurn(nanoseconds: length) }
  }

  /// On the loop.
  package func addLongTurnObserver(_ observer: any LongTurnObserver) {
    longTurnObservers.append(observer)
  }

  /// On the loop.
  package func removeLongTurnObserver(_ observer: any LongTurnObserver) {
    longTurnObservers.removeAll { $0 === observer }
  }
}
