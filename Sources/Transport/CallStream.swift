internal import Synchronization
internal import TernBytes
package import TernCore
package import TernEventLoop
package import TernHTTP2
internal import TernWire

/// One call on one HTTP/2 stream, as both sides have it: messages in, messages out, and who waits
/// for them.
///
/// What comes is noted while the session runs, and acted upon after it has returned (`act`). All
/// methods are for the loop's thread, except those that say otherwise.
@safe package class CallStream: _HTTP2Stream, @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it; users' handles that live on other
  // threads come to the loop first.

  package final let loop: EventLoop
  // Unmanaged because a connection tells all its streams when it ends, and `leaveConnection` clears
  // this. On the path of each call, `withConnection` spares a retain and a release.
  private final var link: Unmanaged<Connection>?

  final var connection: Connection? {
    get { unsafe link?.takeUnretainedValue() }
    set { unsafe link = unsafe newValue.map { unsafe Unmanaged.passUnretained($0) } }
  }

  @inline(__always)
  final func withConnection(_ body: (Connection) -> Void) {
    if let link = unsafe link { unsafe link._withUnsafeGuaranteedRef { body($0) } }
  }

  /// What came and was not taken yet: messages with their prefixes.
  final let inbound = ByteBuffer()
  /// Bytes at the front of `inbound` for which the peer got its credit already.
  final var creditedBytes = 0
  /// Bytes for which the peer got its credit, in all.
  final var takenBytes = 0
  /// What the peer may send before its bytes were taken.
  final var windowBytes = 0
  /// The part of the connection's budget that the window has grown by.
  final var addedWindowBytes = 0
  /// The part of the connection's budget that this stream's long message holds.
  final var reservedBytes = 0
  final var isWaitingForBudget = false
  /// Nobody will read any more: what comes is dropped, and the peer gets its credit.
  final var isDiscarding = false

  // What other modules see is a computed property beside a stored one: a stored property that is
  // visible there is checked for exclusive access at run time, each time.

  /// In the connection's list of changed streams, before `nextChanged`.
  final var isNoted = false
  final var nextChanged: Unmanaged<CallStream>?
  /// The stream is gone from the session, or was never in it.
  final var isClosed = true
  final var closeCode: UInt32 = 0
  /// Nothing more can be sent or read: handles say so with `failure`.
  package final var isOver: Bool { over }
  final var over = false
  /// Whether nobody waits for the outcome any more. From any thread.
  package final var isGivenUp: Bool { ending.load(ordering: .acquiring).isGivenUp }
  /// Whether nothing more can be sent or read. From any thread.
  final var isOverForAll: Bool { ending.load(ordering: .acquiring) != .none }
  final let ending = Atomic<CallEnding>(.none)

  /// Our side is ended: nothing more may be sent, though more may come.
  final var isSendingOver = false
  /// Why the call is over, for whoever still reads or writes.
  package final var failure: RPCError? { error }
  final var error: RPCError?

  final var readerWaiter: Waiter?
  final var hasReaderWaiter: Bool { readerWaiter != nil }
  final var writerWaiters: [Waiter] = []
  final var hasWriterWaiters = false
  /// Sends from other threads that are queued for the loop.
  final let remoteSends = Atomic<Int>(0)

  /// Whether the caller runs in a task whose only canceller is the loop, so that waiting in it needs
  /// no cancellation handler.
  var isInRootTask: Bool { false }

  /// Whether messages to send may be compressed. Most calls compress none, and then nobody asks
  /// with what.
  final let compresses = Atomic<Bool>(false)
  /// What the peer's compressed messages are decoded with, once there was one. Set on the loop before
  /// a reader, maybe on another thread, gets the message.
  final var inboundAlgorithm: CompressionAlgorithm?
  final let decompressedMessages = Atomic<Int>(0)

  /// Who wants to see the messages: interceptors, if there are any. Made when the first one asks.
  final let observers = AtomicLazyReference<Guarded<MessageObservers>>()
  final let hasObservers = Atomic<Bool>(false)

  /// A reader has got a message, or more.
  final var hasHandedOut = false
  /// A reader has messages with which it is not done.
  final var isBatchOut = false

  final var maxInboundMessageBytes = 4 << 20
  final var maxOutboundMessageBytes = Int.max

  package init(loop: EventLoop) {
    self.loop = loop
    super.init()
  }

  /// Makes it as new, for another call.
  func prepareForReuse() {
    resetForReuse()
    inbound.removeAll()
    creditedBytes = 0
    takenBytes = 0
    addedWindowBytes = 0
    reservedBytes = 0
    isWaitingForBudget = false
    isDiscarding = false
    isClosed = true
    closeCode = 0
    over = false
    isSendingOver = false
    if error != nil { error = nil }
    if inboundAlgorithm != nil {
      inboundAlgorithm = nil
      decompressedMessages.store(0, ordering: .relaxed)
    }
    removeObservers()
    ending.store(.none, ordering: .releasing)
    connection = nil
  }

  // MARK: What came

  @unsafe package override func receiveData(_ bytes: UnsafeRawBufferPointer) {
    if isDiscarding {
      withConnection { $0.session.consume(bytes.count, of: self) }
      return
    }
    unsafe inbound.append(bytes)
    noteChange()
  }

  package override func receiveEndOfStream() { noteChange() }

  package override func sentOutbound() {
    if hasWriterWaiters, outbound.count < Watermark.low { noteChange() }
  }

  package override func receiveClose(errorCode: UInt32) {
    isClosed = true
    closeCode = errorCode
    noteChange()
  }

  final func noteChange() {
    // Most notes of a turn find it noted.
    if isNoted { return }
    withConnection { $0.noteChange(of: self) }
  }

  /// Does what has become necessary. Runs when the session has returned.
  func act() {
    advanceInbound()
    resumeWaiters()
    if isClosed { leaveConnection() }
  }

  /// The last thing that a stream does with its connection.
  final func leaveConnection() {
    guard let connection = connection else { return }
    returnReservation()
    returnWindow()
    self.connection = nil
    connection.didClose(self)
  }

  /// Ends the call for everybody who waits in it.
  final func end(_ error: RPCError?, as ending: CallEnding) {
    if isOver { return }
    over = true
    // Most calls end without one.
    if error != nil { self.error = error }
    self.ending.store(ending, ordering: .releasing)
    resumeWaiters()
  }

  final func resumeWaiters() {
    if hasReaderWaiter, over || hasInboundNews { resumeReader() }
    if hasWriterWaiters, over || outbound.count < Watermark.low { resumeWriters() }
  }

  final func resumeReader() {
    guard let waiter = readerWaiter else { return }
    readerWaiter = nil
    unsafe waiter.resume()
  }

  final func resumeWriters() {
    hasWriterWaiters = false
    let waiters = writerWaiters
    writerWaiters = []
    for waiter in waiters { unsafe waiter.resume() }
  }

  /// Whether a reader that waits would find something.
  var hasInboundNews: Bool {
    if isClosed || hasRemoteEnded { return true }
    if case .incomplete = peekInbound() { return false }
    return true
  }

  // MARK: For subclasses

  /// Whether what comes in are requests.
  var receivesRequests: Bool { false }

  /// How this side compresses, and what it can decode.
  var compression: CallCompression { .standard }

  /// What the peer says that it compresses with.
  var encoding: String? { nil }

  /// What the message that is about to be sent is to be compressed with. From any thread.
  func algorithmForMessage() -> CompressionAlgorithm? { nil }

  /// The status of a compressed message that cannot be decoded.
  func statusOfCompressedMessage() -> Status {
    CompressionRules.serverStatus(
      encoding: encoding, acceptedEncodings: compression.acceptedEncodings)
  }

  /// The status of a stream that ended inside a message.
  var statusOfCutOffMessage: Status { Cardinality.cutOffRequest }

  /// Ends the call because of what came.
  ///
  /// - Returns: The error for whoever was reading.
  func fail(with status: Status) -> RPCError {
    RPCError(status.code, status.message, origin: .peer)
  }

  /// What a reader is told when all messages are taken; `nil` if more may come.
  func endOfInbound() throws(RPCError) -> Taken? { nil }

  /// The task that reads was cancelled.
  func readerWasCancelled() {}

  /// A message was added to `outbound` behind `offset`, and the connection will be flushed.
  func willSendMessage(at offset: Int) {}

  /// Whether a whole message is awaited, so that its bytes count as taken when they arrive.
  var isMessageAwaited: Bool { hasReaderWaiter }
}

/// How much a stream keeps for sending before it makes its writer wait, in bytes.
enum Watermark {
  /// Four DATA frames of the usual size: enough to fill a write while the writer makes more.
  static let high = 64 << 10
  /// Early enough that the writer is back before all is sent.
  static let low = 16 << 10
}
