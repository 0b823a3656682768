internal import Synchronization
package import TernBytes
package import TernCore
package import TernEventLoop
internal import TernHTTP2
package import TernWire

/// A call that we make: its request, its response, its status.
///
/// It is made on the caller's thread, and belongs to its loop from `begin` on. It may be sent on
/// several connections one after another, as long as no server has looked at it.
@safe package final class ClientStream: CallStream, @unchecked Sendable {
  // `@unchecked Sendable` as its superclass.

  package var descriptor: MethodDescriptor { method }
  var method: MethodDescriptor
  package var options: CallOptions { chosenOptions }
  private(set) var chosenOptions: CallOptions
  package let response = ResponseState()
  /// `nil`: the standard one, as most channels have, whose references then need not be counted.
  let channelCompression: CallCompression?
  /// Interceptors that send the call; `nil` if it has none. Before `begin`, on the caller's thread.
  package var interception: Interception? {
    get { interceptors }
    set { interceptors = newValue }
  }
  var interceptors: Interception?
  /// The one response, if it came compressed.
  var decompressed: ByteBuffer?

  /// What was sent, for another attempt.
  let replay = ByteBuffer()
  /// Whether all that was sent is still in `replay`: not when it became too long or a server has answered.
  var hasReplay = true
  /// What is left to the handler in which the call was made; `nil` if it is not bound by one.
  var inheritedNanoseconds: Int64?
  var attempts = 0
  /// How often a server has refused it.
  var refusals = 0
  var isRequestWhole = false
  /// The moment, on the loop's clock, when the call has to be over.
  package var deadlineNanoseconds: Int64? { deadline }
  var deadline: Int64? { didSet { noteHead() } }
  private lazy var deadlineTimer = LoopTimer { [unowned self] in expire() }
  /// When the call began, on the loop's clock.
  var beginning: Int64?
  var pendingReset: UInt32?
  /// Our own error, when the call ends by it.
  var replacement: RPCError?
  var hasHead = false
  /// Whether the initial metadata came. Ask when the call is over or `whenHead` has answered.
  package var hasInitialMetadata: Bool { hasHead }

  /// What credentials add to the metadata of the call.
  package var credentialMetadata: Metadata {
    get { addedMetadata }
    set { addedMetadata = newValue }
  }
  var addedMetadata: Metadata = [:] { didSet { noteHead() } }
  package var requestMetadata: Metadata {
    if addedMetadata.isEmpty { return chosenOptions.metadata }
    var all = chosenOptions.metadata
    all.append(contentsOf: addedMetadata)
    return all
  }
  /// Whether the head of the request has nothing that not every call of the method has.
  package var hasPlainHead: Bool { isHeadPlain }
  private var isHeadPlain: Bool
  // Kept: to ask the options each time would cost a check for exclusive access each time.
  /// Whether the options are numbers only.
  private(set) var hasPlainOptions: Bool
  /// The call's own timeout.
  private var ownNanoseconds: Int64?

  private func noteHead() {
    isHeadPlain = hasPlainOptions && deadline == nil && addedMetadata.isEmpty
  }

  func choose(_ options: CallOptions) {
    chosenOptions = options
    hasPlainOptions = options.isPlain
    ownNanoseconds = options.timeout?.clampedNanoseconds
    noteHead()
  }

  /// Called on the loop if the call is over before it was sent.
  package var onEarlyEnd: (() -> Void)? {
    get { actionAtEarlyEnd }
    set { actionAtEarlyEnd = newValue }
  }
  var actionAtEarlyEnd: (() -> Void)?
  /// Called once on the loop, when the call is over.
  package var onOver: (() -> Void)? {
    get { actionAtEnd }
    set { actionAtEnd = newValue }
  }
  var actionAtEnd: (() -> Void)?
  // The flags are read without a check for exclusive access.
  var waiters = WaiterList()
  var hasWaiters = false
  var headWaiters = WaiterList()
  var hasHeadWaiters = false

  /// The next stream in a pool of spare ones.
  var nextSpare: Unmanaged<ClientStream>?
  /// Nobody but its caller will touch it any more. Set by the loop, as the last thing that it does.
  let isAtRest = Atomic<Bool>(false)

  /// As in C-core: what is longer is sent once only.
  static let maxReplayBytes = 256 << 10

  package init(
    loop: EventLoop, descriptor: MethodDescriptor, options: CallOptions,
    maxRequestMessageBytes: Int, maxResponseMessageBytes: Int,
    compression: CallCompression? = nil
  ) {
    method = descriptor
    chosenOptions = options
    hasPlainOptions = options.isPlain
    isHeadPlain = hasPlainOptions
    ownNanoseconds = options.timeout?.clampedNanoseconds
    channelCompression = compression
    inheritedNanoseconds = Self.inheritedNanoseconds(options)
    super.init(loop: loop)
    noteCompression()
    maxInboundMessageBytes = maxResponseMessageBytes
    maxOutboundMessageBytes = maxRequestMessageBytes
  }

  static func inheritedNanoseconds(_ options: CallOptions) -> Int64? {
    options.inheritsDeadline ? WorkerScope.current?.remainingNanoseconds : nil
  }

  // MARK: Before it is sent

  /// Where the request is encoded, on the caller's thread, before `begin`.
  package var firstMessage: ByteBuffer { outbound }

  /// Completes a message in `firstMessage`, on the caller's thread, before `begin`.
  package func commitFirstMessage(at offset: Int) throws(RPCError) {
    try endMessage(in: outbound, at: offset, mayCompress: true)
  }

  /// Nothing will be added to the request. On the caller's thread before `begin`, or on the loop.
  package func endRequest() {
    isRequestWhole = true
    isSendingOver = true
    guard !isClosed, !isOver, let connection else { return }
    connection.session.endOutbound(of: self)
    connection.setDirty()
  }

  // Spec: W17 (the effective deadline is the smallest; the parent's counts)
  var timeoutNanoseconds: Int64? {
    guard let inheritedNanoseconds else { return ownNanoseconds }
    return min(ownNanoseconds ?? .max, inheritedNanoseconds)
  }

  // Spec: W20 (the deadline covers connecting and queueing)
  /// The call begins to count. On the loop.
  package func begin() {
    if isOver { return }
    if interceptors != nil { beginning = loop.now }
    guard let nanoseconds = timeoutNanoseconds else { return }
    scheduleDeadline(nanoseconds, after: loop.now)
  }

  private func scheduleDeadline(_ nanoseconds: Int64, after moment: Int64) {
    // Spec: W17 (an expired deadline fails here, and nothing is sent)
    if nanoseconds <= 0 { return expire() }
    let (moment, overflows) = moment.addingReportingOverflow(nanoseconds)
    if overflows { return }
    deadline = moment
    loop.schedule(deadlineTimer, at: moment)
  }

  /// Interceptors have changed the timeout, which still counts from the call's beginning.
  func rescheduleDeadline() {
    if deadline != nil { loop.cancel(deadlineTimer) }
    deadline = nil
    guard let beginning, let nanoseconds = timeoutNanoseconds else { return }
    scheduleDeadline(nanoseconds, after: beginning)
  }

  func cancelDeadlineTimer() { loop.cancel(deadlineTimer) }

  // MARK: Sending

  /// Sends it on a connection. On the loop.
  func start(on connection: ClientConnection, head: HeaderBlock) throws(HTTP2Error) {
    attempts += 1
    if hasReplay, outbound.count <= Self.maxReplayBytes {
      if attempts == 1 { unsafe replay.append(outbound.readable) }
    } else {
      forgetRequest()
    }
    self.connection = connection
    windowBytes = connection.streamWindowBytes
    isClosed = false
    interceptors?.peer.withLock { $0 = connection.peer }
    let endsAtOnce = isRequestWhole && outbound.isEmpty
    do throws(HTTP2Error) {
      try connection.session.submitRequest(
        head, stream: self, endOfStream: endsAtOnce)
    } catch {
      isClosed = true
      self.connection = nil
      throw error
    }
    if isRequestWhole, !endsAtOnce { connection.session.endOutbound(of: self) }
    connection.setDirty()
  }

  /// Keeps the message for another attempt. Before the first one all is in `outbound` anyway.
  override func willSendMessage(at offset: Int) {
    guard attempts > 0, hasReplay else { return }
    if replay.count + outbound.count - offset > Self.maxReplayBytes {
      forgetRequest()
    } else {
      unsafe replay.append(outbound.slice(at: offset, count: outbound.count - offset))
    }
  }

  /// Whether it can be sent on another connection: no server has looked at it, and all that it
  /// sent is still known.
  // Spec: W85 (A6: transparent retry: always if it never left, else once)
  private var canBeSentAgain: Bool {
    hasReplay && !isOver && !hasHead && closeCode == ErrorCode.refusedStream
      && (hasNeverLeft || refusals == 0)
  }

  // MARK: What came

  @unsafe package override func receiveField(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
  ) {
    unsafe response.receive(name: name, value: value)
  }

  package override func receiveFieldsEnd(endOfStream: Bool, isTooLarge: Bool) {
    if isTooLarge {
      response.end(Self.tooLargeFields, origin: .peer)
      pendingReset = ErrorCode.cancel
    }
    note(response.receiveFieldsEnd(endOfStream: endOfStream))
    // Spec: W40 (trailers behind a message that is cut off)
    if endOfStream { receiveEndOfStream() }
  }

  private static let tooLargeFields = Status(
    .resourceExhausted,
    "The response's metadata is over the limit. Have the server send less, or raise the channel's "
      + "maxHeaderListBytes.")

  @unsafe package override func receiveData(_ bytes: UnsafeRawBufferPointer) {
    let action = unsafe response.receiveData(bytes)
    if action == .deliver, !isOver {
      unsafe super.receiveData(bytes)
    } else {
      connection?.session.consume(bytes.count, of: self)
      note(action)
    }
  }

  package override func receiveEndOfStream() {
    note(response.receiveEndOfStream(unreadMessageBytes: inbound.isEmpty ? 0 : cutOffBytes))
  }

  /// Bytes behind the last whole message. A message that is refused is not cut off: whoever reads it
  /// is told why.
  private var cutOffBytes: Int {
    var offset = 0
    while true {
      switch peekInbound(at: offset) {
      case .whole(let payloadBytes, _): offset += MessageFramer.prefixBytes + payloadBytes
      case .refused: return 0
      case .incomplete: return inbound.count - offset
      }
    }
  }

  private func note(_ action: ResponseState.Action) {
    switch action {
    case .head:
      hasHead = true
      // Interceptors may send again what a server has answered.
      if interceptors == nil || method.kind.hasRequestStream { forgetRequest() }
    case .reset(let code): pendingReset = code
    case .nothing, .deliver, .drop, .over: break
    }
    noteChange()
  }

  override func act() {
    if let code = pendingReset {
      pendingReset = nil
      connection?.session.reset(self, errorCode: code)
    }
    if isClosed, !response.hasStatus, !settleClose() { return }
    if response.hasStatus { complete() }
    checkLimit()
    advanceInbound()
    resumeWaiters()
    if hasHead { resumeHeadWaiters() }
    if isClosed {
      leaveConnection()
      interceptors?.streamIsGone()
      if isOver { isAtRest.store(true, ordering: .releasing) }
    }
  }

  // Spec: W36 (refused from the prefix alone)
  private func checkLimit() {
    guard !isOver, case .refused(let error) = peekInbound() else { return }
    _ = fail(with: error.status)
  }

  /// The stream is gone and nobody said how the call ended.
  ///
  /// - Returns: `false` if the call goes on, on another connection.
  private func settleClose() -> Bool {
    guard let connection = connection as? ClientConnection else { return true }
    if connection.isClosed, closeCode == ErrorCode.cancel {
      response.end(connection.lossStatus, origin: .library)
      return true
    }
    if canBeSentAgain, let owner = connection.owner {
      if !hasNeverLeft { refusals += 1 }
      leaveConnection()
      prepareForAnotherAttempt()
      owner.sendAgain(self)
      return false
    }
    response.receiveReset(code: closeCode, isDeadlinePast: isDeadlinePast)
    return true
  }

  private var isDeadlinePast: Bool { deadline.map { $0 <= loop.now } ?? false }

  override func fail(with status: Status) -> RPCError {
    cancel(status, origin: .peer)
    // Whoever reads is told now, and does not come back.
    interceptors?.publishEnd()
    return attemptFailure ?? RPCError(status.code, status.message, origin: .peer)
  }

  /// Whoever cancels the task that reads the response gives the call up.
  override func readerWasCancelled() {
    giveUp(
      RPCError(.cancelled, "The task that read the response was cancelled.", origin: .caller))
  }

  // MARK: Reading

  override func endOfInbound() throws(RPCError) -> Taken? {
    guard isOver else {
      interceptors?.publishEnd()
      return nil
    }
    if let failure { throw failure }
    if !inbound.isEmpty {
      let status = Cardinality.cutOffResponse
      throw RPCError(status.code, status.message, origin: .peer)
    }
    return .end
  }

  override func statusOfCompressedMessage() -> Status {
    CompressionRules.clientStatus(encoding: encoding)
  }

  override var compression: CallCompression { channelCompression ?? .standard }
  override var encoding: String? { response.encoding }
  override func algorithmForMessage() -> CompressionAlgorithm? { requestCompression }

  override var statusOfCutOffMessage: Status { Cardinality.cutOffResponse }

  override var hasInboundNews: Bool {
    if isOver { return true }
    if case .incomplete = peekInbound() { return false }
    return true
  }

  /// A call whose response is one message waits for it all the time.
  override var isMessageAwaited: Bool {
    !isOver && (!method.kind.hasResponseStream || super.isMessageAwaited)
  }
}
