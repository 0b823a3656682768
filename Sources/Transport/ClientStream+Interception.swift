internal import Synchronization
internal import TernBytes
package import TernCore
package import TernEventLoop
internal import TernWire

/// What a call's interceptors hold of it: they send it, maybe more than once, and hear of the end of
/// each attempt before the caller does.
@safe package final class Interception: @unchecked Sendable {
  // `@unchecked Sendable` because only the stream's loop touches it, but for what is locked.

  /// Made of the call's options; interceptors may change them before they send the call.
  package let options: Guarded<CallOptions>
  /// The server that was asked last.
  package let peer = Guarded<SocketAddress?>(nil)
  // Set before the interceptors' task is made, which alone reads them.
  /// Shows the one request to those who want to see it.
  package var showRequest: (@Sendable (ClientStream) throws -> Void)?
  /// Shows the one response to those who want to see it.
  package var showResponse: (@Sendable (ClientStream) throws -> Void)?
  private let responded = Atomic<Bool>(false)
  private let task = Guarded<(task: Task<Void, Never>?, isCancelled: Bool)>((nil, false))

  /// An attempt was made.
  private let attempted = Atomic<Bool>(false)
  fileprivate var isAttemptOver = false
  /// Interceptors may know that the attempt is over.
  fileprivate var isEndPublished = false
  private let reading = Atomic<Bool>(false)
  fileprivate var attemptError: RPCError?
  /// Interceptors have no say any more.
  var isReleased = false
  /// The interceptors' task waits for the end of the attempt.
  private var endWaiter: Waiter?
  /// It waits for the stream of the attempt to be gone.
  private var goneWaiter: Waiter?
  /// Those who wait until the call may be written to.
  private var writers: [Waiter] = []

  package init(options: CallOptions) { self.options = Guarded(options) }

  /// The task in which the interceptors run; it is cancelled when the call is over. From any thread.
  package func run(in task: Task<Void, Never>) {
    let mustCancel = self.task.withLock {
      $0.task = task
      return $0.isCancelled
    }
    if mustCancel { task.cancel() }
  }

  /// Whether an attempt was made. From any thread.
  package var wasAttempted: Bool { attempted.load(ordering: .acquiring) }

  // MARK: A response of their own

  /// Whether they have given one. From any thread.
  package var hasResponded: Bool { responded.load(ordering: .acquiring) }

  /// - Returns: Whether it is the first one. From any thread.
  package func noteResponse() -> Bool {
    !responded.exchange(true, ordering: .acquiringAndReleasing)
  }

  // MARK: Attempts. On the loop.

  /// - Parameter mustWait: There are responses that a reader has not taken. Interceptors hear of the
  ///   end when it has, as they see the messages only then.
  func attemptDidEnd(_ error: RPCError?, mustWait: Bool) {
    if isAttemptOver { return }
    isAttemptOver = true
    attemptError = error
    if mustWait, reading.load(ordering: .acquiring) { return }
    publishEnd()
  }

  /// The reader has taken all, or somebody waits for the end and not for the messages.
  func publishEnd() {
    if !isAttemptOver || isEndPublished { return }
    isEndPublished = true
    resumeEndWaiter()
  }

  /// An iterator will take the responses, or give the call up. From any thread.
  package func noteReader() { reading.store(true, ordering: .releasing) }

  fileprivate func refuse(_ error: RPCError) { attemptError = error }

  fileprivate func attemptBegins() {
    attempted.store(true, ordering: .releasing)
    isAttemptOver = false
    isEndPublished = false
    attemptError = nil
    resumeWriters()
  }

  /// The stream of the attempt is closed, and its connection knows nothing more of it.
  func streamIsGone() {
    unsafe goneWaiter.take()?.resume()
  }

  func callDidEnd() {
    resumeEndWaiter()
    streamIsGone()
    resumeWriters()
    let task = task.withLock {
      $0.isCancelled = true
      return $0.task.take()
    }
    task?.cancel()
  }

  private func resumeEndWaiter() {
    unsafe endWaiter.take()?.resume()
  }

  private func resumeWriters() {
    let waiting = writers
    writers = []
    for waiter in waiting { unsafe waiter.resume() }
  }

  @unsafe fileprivate func waitForEnd(_ continuation: UnsafeContinuation<Void, Never>) {
    endWaiter = unsafe Waiter(continuation)
  }

  @unsafe fileprivate func waitUntilGone(_ continuation: UnsafeContinuation<Void, Never>) {
    goneWaiter = unsafe Waiter(continuation)
  }

  @unsafe fileprivate func waitToWrite(_ continuation: UnsafeContinuation<Void, Never>) {
    writers.append(unsafe Waiter(continuation))
  }
}

extension ClientStream {
  /// Whether the attempt is over and interceptors think about what comes next.
  package var isAttemptOver: Bool { interception?.isAttemptOver ?? false }

  /// How the attempt ended; of a call that is over, how that did. On the loop.
  package var attemptFailure: RPCError? { isOver ? failure : interception?.attemptError }

  // MARK: Attempts. On the loop.

  /// Whether an attempt was made already.
  package var wasAttempted: Bool { interception?.wasAttempted ?? false }

  /// What interceptors made of the options is true from now on.
  package func beginAttempt() {
    guard let interception else { return }
    var changed = interception.options.withLock { $0 }
    // The request is encoded already.
    changed.compression = options.compression
    changed.maxRequestMessageBytes = options.maxRequestMessageBytes
    changed.maxResponseMessageBytes = options.maxResponseMessageBytes
    let hasNewTimeout = changed.timeout != options.timeout
    choose(changed)
    if hasNewTimeout { rescheduleDeadline() }
    interception.attemptBegins()
  }

  /// Makes it as it was before the attempt that has ended. Its stream must be gone.
  ///
  /// - Throws: Why it cannot be sent again.
  package func prepareToSendAgain() throws(RPCError) {
    if let problem = problemOfSendingAgain {
      throw RPCError(.internal, "The call cannot be sent again: \(problem)", origin: .caller)
    }
    replacement = nil
    refusals = 0
    pendingReset = nil
    hasHead = false
    prepareForAnotherAttempt()
  }

  private var problemOfSendingAgain: String? {
    if descriptor.kind.hasRequestStream {
      return "its requests are a stream, and are gone. Call 'next' once."
    }
    if hasHandedOut { return "its caller has seen a part of the response." }
    if !hasReplay {
      return "its request is longer than \(Self.maxReplayBytes) bytes, and was not kept."
    }
    return nil
  }

  /// Resumes `continuation` when the attempt is over. On the loop.
  @unsafe package func whenAttemptIsOver(_ continuation: UnsafeContinuation<Void, Never>) {
    guard let interception, !isOver, !interception.isEndPublished else {
      return unsafe continuation.resume()
    }
    unsafe interception.waitForEnd(continuation)
  }

  /// Resumes `continuation` when the stream of the attempt is gone, or the call is over. On the
  /// loop.
  @unsafe package func whenAttemptIsGone(_ continuation: UnsafeContinuation<Void, Never>) {
    guard let interception, !isOver, connection != nil else { return unsafe continuation.resume() }
    unsafe interception.waitUntilGone(continuation)
  }

  /// Resumes `continuation` when requests may be written, or the call is over. On the loop.
  @unsafe package func whenStarted(_ continuation: UnsafeContinuation<Void, Never>) {
    guard let interception, !isOver, !interception.wasAttempted else {
      return unsafe continuation.resume()
    }
    unsafe interception.waitToWrite(continuation)
  }

  // MARK: The outcome. On the loop.

  /// A response of the interceptors' own, in place of a server's.
  package func respond(withEncoded bytes: [UInt8], isFirst: Bool) {
    if isOver { return }
    // What a failed attempt has brought is not a part of it.
    if isFirst, !hasHandedOut {
      inbound.removeAll()
      creditedBytes = 0
    }
    let offset = MessageFramer.begin(in: inbound)
    unsafe bytes.withUnsafeBytes { unsafe inbound.append($0) }
    do throws(FramingError) {
      try MessageFramer.end(in: inbound, at: offset, isCompressed: false)
    } catch {
      replacement = RPCError(.internal, "The interceptor's response: \(error)", origin: .caller)
    }
    resumeWaiters()
  }

  /// The attempt cannot be made.
  package func refuseAttempt(_ error: RPCError) { interception?.refuse(error) }

  /// The interceptors have ended: the call is over, with their outcome.
  package func endInterception(_ outcome: RPCError?) {
    guard let interception, !isOver else { return }
    interception.isReleased = true
    replacement = outcome
    if interception.isAttemptOver || connection == nil {
      finish(outcome)
    } else {
      // It throws while its attempt runs: nobody wants that any more.
      cancel(outcome?.status ?? Status(.cancelled), origin: .caller)
    }
  }
}
