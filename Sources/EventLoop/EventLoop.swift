internal import Glibc
internal import Synchronization
package import TernBytes

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
  let remoteJobs = RunQueue<UnownedJob>()
  let remoteWork = RunQueue<() -> Void>()
  var isAsleep = false
  var isStopping = false
  /// Set when the last turn is over.
  private var hasEnded = false

  // The loop's thread only.
  let jobs = RunQueue<UnownedJob>()
  let work = RunQueue<() -> Void>()
  let dirty = RunQueue<any Flushable>()
  var sources: [SourceSlot] = []
  var freeSlots: [Int] = []
  var idleWaiters: [() -> Void] = []
  /// How many pieces of work, jobs, events and flushes it has run.
  var itemCount = 0
  let timers: TimerWheel
  var turnBegan: Int64
  /// `isStopping`, as this turn found it.
  var isToldToStop = false
  /// The time at the begin of this turn: the clock is read once a turn.
  package var now: Int64 { turnBegan }
  package let workers = WorkerPool()
  /// What a higher layer keeps for all connections of the loop.
  package var sharedByConnections: AnyObject?

  /// Lent to whoever reads a socket or collects frames, within one call.
  package let readBuffer: ScratchBuffer
  package let writeBuffer: ScratchBuffer
  /// The same for whoever rewrites bytes between a socket and its reader or writer. Most loops need
  /// none of it.
  package private(set) lazy var spareReadBuffer = ScratchBuffer(capacity: 64 << 10)
  package private(set) lazy var spareOutput = ByteBuffer()

  /// Told of each turn that kept the loop for longer than it should.
  var longTurnObservers: [any LongTurnObserver] = []
  /// What ran last, for those observers. An identifier and not a reference: it is set for each
  /// call.
  package var lastActivity: ObjectIdentifier? {
    get { activity }
    set { activity = newValue }
  }
  // Stored behind a property: a stored `package` one would be checked at run time at each use.
  private var activity: ObjectIdentifier?

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
    turnBegan = clock.nanoseconds
    timers = TimerWheel(nanoseconds: turnBegan)
    // Reads: as much as a socket usually holds. Writes: what one turn collects before it writes.
    readBuffer = ScratchBuffer(capacity: 64 << 10)
    writeBuffer = ScratchBuffer(capacity: 256 << 10)
    clock.attach(self)
    workers.attach(to: self)
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
    enqueueRemotely { remoteWork.append(work) }
  }

  /// Ends the loop after what is queued has run. Sources still registered are not told. What comes
  /// later is run by whoever brings it.
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
  @inline(__always)
  func enqueueRemotely(_ append: () -> Void) {
    remoteLock.lock()
    append()
    let mustWake = isAsleep
    isAsleep = false
    let isLate = hasEnded
    if isLate { beginLateTurns() }
    remoteLock.unlock()
    if mustWake { poller.wake() }
    if isLate { while turn() {} }
  }

  /// The loop has ended, and something still came: a job that never runs would leave its task
  /// waiting for ever. So the thread that brought it is the loop's thread until nothing is left.
  private func beginLateTurns() {
    hasEnded = false
    thread.store(UInt(pthread_self()), ordering: .relaxed)
  }

  /// Ends the loop if nothing is queued.
  ///
  /// - Returns: Whether it has ended; the caller is then not on the loop any more.
  func endIfNothingIsQueued() -> Bool {
    remoteLock.lock()
    defer { remoteLock.unlock() }
    guard isStopping, remoteJobs.isEmpty, remoteWork.isEmpty else { return false }
    hasEnded = true
    thread.store(0, ordering: .relaxed)
    return true
  }

  /// Whether the last turn is over. From any thread.
  var hasStopped: Bool {
    remoteLock.lock()
    defer { remoteLock.unlock() }
    return hasEnded
  }
}

/// Memory that a loop lends for the length of one call.
@safe package final class ScratchBuffer {
  @unsafe package let bytes: UnsafeMutableRawBufferPointer

  init(capacity: Int) {
    unsafe bytes = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { unsafe bytes.deallocate() }
}
