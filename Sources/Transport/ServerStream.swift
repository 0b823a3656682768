internal import TernBytes
internal import Synchronization
package import TernCore
package import TernEventLoop
internal import TernHTTP2
package import TernWire

/// What a server does with one call. The server's table of methods has one a method.
package protocol CallHandler: AnyObject, Sendable {
  var descriptor: MethodDescriptor { get }
  /// Whether the request is one message, which has to be whole before the handler begins.
  var takesSingleRequest: Bool { get }
  var maxRequestMessageBytes: Int { get }
  var maxResponseMessageBytes: Int { get }
  var compression: ServerCompression { get }
  /// Whether responses are compressed for clients that accept it.
  var compressesResponses: Bool { get }
  /// Where the user's function runs, if not on the loop.
  var otherExecutor: (any TaskExecutor)? { get }
  /// Runs on the stream's loop, and gets the `ServerStream`.
  var body: LoopTaskBody { get }
  /// Answers the call; the body has returned, or thrown.
  func finish(_ stream: ServerStream, _ error: (any Error)?)
}

/// A call that a client made: its request, its handler, its response.
@safe package final class ServerStream: CallStream, LoopTask, @unchecked Sendable {
  // `@unchecked Sendable` as its superclass.

  enum Phase {
    case awaitingHead
    /// The one request message is not whole.
    case awaitingRequest
    case running
    /// The answer is given; the handler may not have noticed yet.
    case answered
  }

  /// What `inbound` holds of the one request message.
  enum RequestForm {
    case plain, compressed
    /// The message alone, without prefix.
    case decompressed
  }

  package let head = RequestHead()
  var phase = Phase.awaitingHead
  var hasWholeHead = false
  var isHeadTooLarge = false
  /// Handlers ask from whatever thread; only the loop changes it.
  private let headIsSent = Atomic<Bool>(false)
  final var hasSentHead: Bool {
    get { headIsSent.load(ordering: .relaxed) }
    set { headIsSent.store(newValue, ordering: .relaxed) }
  }
  /// Interceptors have let the call through to its handler.
  package final var hasHandlerBegun: Bool {
    get { handlerHasBegun }
    set { handlerHasBegun = newValue }
  }
  private var handlerHasBegun = false
  var requestForm = RequestForm.plain
  var handler: (any CallHandler)?
  var worker: Worker?
  var isHandlerRunning = false
  var liveCounter: LiveHandlers?
  var pool: ServerStreamPool?
  /// In the pool.
  var nextSpare: Unmanaged<ServerStream>?
  lazy var deadlineTimer = LoopTimer { [unowned self] in expire() }
  /// When the call has to be over, on the loop's clock.
  package var deadlineNanoseconds: Int64? { deadline }
  var deadline: Int64?
  var endpoints: Endpoints?
  package var peer: SocketAddress { endpoints?.peer ?? .memory }
  package var local: SocketAddress { endpoints?.local ?? .memory }
  package var tls: NegotiatedTLS? { endpoints?.tls }
  // `unowned(unsafe)` as `connection`, which it is.
  unowned(unsafe) var server: ServerConnection?

  // Handlers touch these from whatever thread they run on.
  let metadataLock = Lock()
  var initialMetadata: Metadata = [:]
  var trailingMetadata: Metadata = [:]
  /// Most handlers set none, and then there is nothing to lock.
  let metadataIsSet = Atomic<Bool>(false)
  var hasMetadata: Bool { metadataIsSet.load(ordering: .acquiring) }

  // Under the lock for metadata, too.
  /// What interceptors have attached. Most calls have none.
  var attachments: CallAttachments?
  /// What responses are compressed with; `nil`: nothing.
  var responseAlgorithm: CompressionAlgorithm?
  /// A message was compressed with it, so it cannot change any more.
  var isResponseAlgorithmUsed = false

  /// What handlers want done when their call is given up.
  var cancelActions: [@Sendable (CancellationReason) -> Void] = []
  /// They have returned: nothing more is added to these.
  var hasHandlerReturned = false
  /// Most handlers register none, and then there is nothing to lock.
  let hasCancelActions = Atomic<Bool>(false)

  static let responseHead = HeaderBlock(ResponseFields.head)
  static let trailersOK = HeaderBlock(ResponseFields.trailersOK)

  init(loop: EventLoop, pool: ServerStreamPool) {
    self.pool = pool
    super.init(loop: loop)
  }

  /// Begins a call on a connection.
  func open(on connection: ServerConnection) {
    self.connection = connection
    windowBytes = connection.streamWindowBytes
    isClosed = false
    liveCounter = connection.liveHandlers
    endpoints = connection.endpoints
    unsafe server = connection
  }

  override func prepareForReuse() {
    super.prepareForReuse()
    head.removeAll()
    phase = .awaitingHead
    hasWholeHead = false
    isHeadTooLarge = false
    hasSentHead = false
    handler = nil
    worker = nil
    deadline = nil
    requestForm = .plain
    isResponseAlgorithmUsed = false
    if responseAlgorithm != nil { responseAlgorithm = nil }
    if hasHandlerReturned { hasHandlerReturned = false }
    compresses.store(false, ordering: .relaxed)
    if attachments != nil { attachments = nil }
    handlerHasBegun = false
    if hasMetadata {
      initialMetadata = [:]
      trailingMetadata = [:]
      metadataIsSet.store(false, ordering: .relaxed)
    }
  }

  // MARK: What came

  @unsafe package override func receiveField(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
  ) {
    // A second block is trailers, and gRPC has none in this direction.
    if !hasWholeHead { unsafe head.receive(name: name, value: value) }
  }

  package override func receiveFieldsEnd(endOfStream: Bool, isTooLarge: Bool) {
    hasWholeHead = true
    isHeadTooLarge = isHeadTooLarge || isTooLarge
    noteChange()
  }

  override func act() {
    if !isClosed { step() }
    advanceInbound()
    resumeWaiters()
    if isClosed { didClose() }
  }

  private func step() {
    if phase == .awaitingHead, hasWholeHead { accept() }
    if phase == .awaitingRequest { checkRequest() }
  }

  // MARK: Accepting

  private func accept() {
    guard !isHeadTooLarge, case .accepted = head.verdict() else { return refuseHead() }
    guard let server = unsafe server else { return }
    switch server.admit(self) {
    case .refused(let status): refuse(status)
    case .tooMany:
      phase = .answered
      server.session.reset(self, errorCode: ErrorCode.refusedStream)
    case .handler(let handler): accept(with: handler)
    }
  }

  private func accept(with handler: any CallHandler) {
    self.handler = handler
    maxInboundMessageBytes = handler.maxRequestMessageBytes
    maxOutboundMessageBytes = handler.maxResponseMessageBytes
    if handler.compressesResponses { beginCompressing(with: handler.compression) }
    if head.timeoutNanoseconds != nil { startDeadline() }
    if phase == .answered { return }
    if handler.takesSingleRequest { phase = .awaitingRequest } else { start() }
  }

  private func refuseHead() {
    // Spec: W30 (grpc-java: 431 and RESOURCE_EXHAUSTED)
    if isHeadTooLarge, let server = unsafe server {
      refuse(Self.tooLargeHead(server.maxHeaderListBytes), httpStatus: 431)
    } else if case .refused(let refusal) = head.verdict() {
      answer(HeaderBlock(refusal.fields))
    }
  }

  private static func tooLargeHead(_ limit: Int) -> Status {
    Status(
      .resourceExhausted,
      "The request's headers are over the limit of \(limit) bytes. Send less metadata, or raise "
        + "the server's maxHeaderListBytes.")
  }

  // Spec: W42 (statuscodes: cardinality violations)
  // Spec: W40 (statuscodes: end of stream inside a message)
  private func checkRequest() {
    switch peekInbound() {
    case .refused(let error): finish(error.status)
    case .whole(let payloadBytes, let isCompressed):
      if isCompressed {
        if !canDecompress { return finish(statusOfCompressedMessage()) }
        requestForm = .compressed
      }
      let wholeBytes = MessageFramer.prefixBytes + payloadBytes
      if inbound.count > wholeBytes {
        let isCutOff: Bool
        if case .incomplete = peekInbound(at: wholeBytes) {
          isCutOff = hasRemoteEnded
        } else {
          isCutOff = false
        }
        finish(isCutOff ? Cardinality.cutOffRequest : Cardinality.secondRequest)
      } else if hasRemoteEnded {
        start()
      }
    case .incomplete:
      guard hasRemoteEnded else { return }
      finish(inbound.isEmpty ? Cardinality.noRequest : Cardinality.cutOffRequest)
    }
  }

  private func start() {
    phase = .running
    isHandlerRunning = true
    liveCounter?.count += 1
    loop.workers.run(self)
  }

  // MARK: The handler

  package func willRun(on worker: Worker) -> LoopTaskBody? {
    // The client may have gone between the decision and this moment.
    guard !isClosed, !over, let handler else {
      handlerDidEnd()
      return nil
    }
    self.worker = worker
    worker.beginScope(deadline: deadline)
    // The watchdog asks who ran last; a handler that blocks is seen at its begin or at its end.
    loop.lastActivity = ObjectIdentifier(handler)
    return handler.body
  }

  package func didRun(_ error: (any Error)?) {
    worker = nil
    if let handler { loop.lastActivity = ObjectIdentifier(handler) }
    // What the handler sent from other threads is on its way, and goes first.
    if hasRemoteSends {
      loop.submit { [self] in answer(error) }
    } else {
      answer(error)
    }
  }

  private func answer(_ error: (any Error)?) {
    handler?.finish(self, error)
    handlerDidEnd()
  }

  private func handlerDidEnd() {
    isHandlerRunning = false
    liveCounter?.count -= 1
    forgetCancelActions()
    if isClosed { recycle() }
  }

  override var isInRootTask: Bool { worker?.isCurrentTask ?? false }

  /// The one request message. Valid until `didTakeRequest`.
  ///
  /// - Throws: If it is compressed and cannot be decompressed.
  @unsafe package func request() throws(RPCError) -> UnsafeRawBufferPointer {
    if requestForm == .compressed { try decompressRequest() }
    if requestForm == .decompressed { return unsafe inbound.readable }
    let prefix = MessageFramer.prefixBytes
    if inbound.count < prefix { throw overError }
    return unsafe inbound.slice(at: prefix, count: inbound.count - prefix)
  }

  /// The request was decoded: its memory and its credit can go back.
  package func didTakeRequest() { discardInbound() }

  /// The method that was called. Only handlers ask.
  package var method: MethodDescriptor {
    handler?.descriptor ?? MethodDescriptor(service: "", method: "", kind: .unary)
  }

  // MARK: What the superclass asks

  override var receivesRequests: Bool { true }

  override func willSendMessage(at offset: Int) { submitHead() }

  override func fail(with status: Status) -> RPCError {
    finish(status)
    return RPCError(status.code, status.message, origin: .peer)
  }

  override func endOfInbound() throws(RPCError) -> Taken? {
    if isOver { throw overError }
    guard hasRemoteEnded else { return nil }
    if !inbound.isEmpty { throw fail(with: statusOfCutOffMessage) }
    return .end
  }

  override var compression: CallCompression { handler?.compression.call ?? .standard }
  override var encoding: String? { head.encoding }

  override func algorithmForMessage() -> CompressionAlgorithm? {
    metadataLock.lock()
    defer { metadataLock.unlock() }
    isResponseAlgorithmUsed = true
    return responseAlgorithm
  }

  override var isMessageAwaited: Bool { phase == .awaitingRequest || super.isMessageAwaited }
}
