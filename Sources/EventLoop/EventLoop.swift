internal import Glibc
internal import Synchronization

/// One thread that waits for sockets and timers, and runs what becomes ready; also a Swift executor.
///
/// A loop owns its connections whole: what belongs to it is touched by its thread only, without
/// locks. Handlers run on it as well, so that a call crosses no thread. Code on a loop must not
/// block its thread.
///
/// You rarely meet one: an ``EventLoopGroup`` makes them, servers and channels use them.
@safe public final class EventLoop: TaskExecutor, SerialExecutor, @unchecked Sendable {
  // `@unchecked Sendable` because all variables but those under `remoteLock` belong to the loop's
  // thread, and the entry points from other threads are `enqueue`, `execute` and `stop`.

  let poller: Poller
  package let clock: EventLoopClock
  package let kernel: Kernel

  // From other threads, under `remoteLock`.
  let remoteLock = Lock()
  var remoteJobs: [UnownedJob] = []
  var remoteWork: [() -> Void] = []
  var isAsleep = false
  var isStopping = false

  // The loop's thread only.
  var jobs: [UnownedJob] = []
  var runningJobs: [UnownedJob] = []
  var work: [() -> Void] = []
  var dirty: [any Flushable] = []
  var flushing: [any Flushable] = []
  var sources: [SourceSlot] = []
  var freeSlots: [Int] = []
  var idleWaiters: [() -> Void] = []
  let timers: TimerWheel
  /// The time at the begin of this turn: the clock is read once a turn.
  package internal(set) var now: Int64
  package private(set) lazy var workers = WorkerPool(loop: self)

  /// Lent to whoever reads a socket or collects frames, within one call.
  package let readBuffer: ScratchBuffer
  package let writeBuffer: ScratchBuffer

  /// Told of each turn that kept the loop for longer than it should.
  var longTurnObservers: [any LongTurnObserver] = []
  /// What ran last, for those observers. An identifier and not a reference: it is set for each
  /// call.
  package var lastActivity: ObjectIdentifier?
  var turnBegan: Int64 = 0

  /// How many connections live on it; a group gives new ones to the loop with the fewest.
  private let connections = Atomic<Int>(0)
  package var connectionCount: Int { connections.load(ordering: .relaxed) }
  package func addConnection() { connections.wrappingAdd(1, ordering: .relaxed) }
  package func removeConnection() { connections.wrappingSubtract(1, ordering: .relaxed) }
  /// `pthread_self()` of the loop's thread; 0 before it runs.
  private let thread = Atomic<UInt>(0)

  package init(clock: EventLoopClock = .system, kernel: Kernel = .system) throws(SystemError) {
    poller = try Poller()
    self.clock = clock
    self.kernel = kernel
    now = clock.nanoseconds
    timers = TimerWheel(nanoseconds: now)
    // Reads: as much as a socket usually holds. Writes: what one turn collects before it writes.
    readBuffer = ScratchBuffer(capacity: 64 << 10)
    writeBuffer = ScratchBuffer(capacity: 256 << 10)
    clock.attach(self)
  }

  /// Starts the loop's thread, which keeps the loop alive until ``stop()``.
  package func start() throws(SystemError) {
    let loop = unsafe Unmanaged.passRetained(self)  // released when the thread ends
    var thread = pthread_t()
    let code = unsafe pthread_create(
      &thread, nil,
      { context in
        guard let context = unsafe context else { return nil }
        let loop = unsafe Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue()
        loop.runThread()
        return nil
      }, loop.toOpaque())
    guard code == 0 else {
      unsafe loop.release()
      throw SystemError(call: "pthread_create", code: code)
    }
    pthread_detach(thread)
  }

  private func runThread() {
    thread.store(UInt(pthread_self()), ordering: .relaxed)
    while turn() {}
    thread.store(0, ordering: .relaxed)
  }

  /// Whether the caller runs on the loop's thread.
  package var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

  // MARK: Work from anywhere

  /// Runs `work` on the loop: now if the caller is there, else in one of the next turns.
  package func execute(_ work: @escaping @Sendable () -> Void) {
    if isCurrent { work() } else { submit(work) }
  }

  /// Runs `work` on the loop in one of the next turns, in the order of submission.
  package func submit(_ work: @escaping @Sendable () -> Void) {
    if !enqueueRemotely({ remoteWork.append(work) }) {
      // The loop has stopped; whoever waits for this work must not wait for ever.
      work()
    }
  }

  /// Ends the loop after what is queued has run. Sources still registered are not told.
  package func stop() {
    remoteLock.lock()
    isStopping = true
    let mustWake = isAsleep
    isAsleep = false
    remoteLock.unlock()
    if mustWake { poller.wake() }
  }

  /// Adds something under the lock and wakes the loop if it sleeps; many in a row share one
  /// wake-up.
  ///
  /// - Returns: `false` if the loop has stopped, and nothing was added.
  @inline(__always)
  func enqueueRemotely(_ append: () -> Void) -> Bool {
    remoteLock.lock()
    if hasEnded {
      remoteLock.unlock()
      return false
    }
    append()
    let mustWake = isAsleep
    isAsleep = false
    remoteLock.unlock()
    if mustWake { poller.wake() }
    return true
  }

  /// Set under the lock when the last turn is over.
  var hasEnded = false
}

/// Memory that a loop lends for the length of one call.
@safe package final class ScratchBuffer {
  @unsafe package let bytes: UnsafeMutableRawBufferPointer

  init(capacity: Int) {
    unsafe bytes = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { unsafe bytes.deallocate() }
}
