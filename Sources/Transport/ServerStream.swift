internal import TernBytes
internal import Synchronization
package import TernCore
package import TernEventLoop
internal import TernHTTP2
package import TernWire

/// What a server does with one call. The server's table of methods has one a method. Its body gets
/// the `ServerStream`, and ends with `finish`.
package protocol CallHandler: LoopTaskBody, Sendable {
  /// Whether the request is one message, which has to be whole before the handler begins.
  var descriptor: MethodDescriptor { get }
  var takesSingleRequest: Bool { get }
  var maxRequestMessageBytes: Int { get }
  var maxResponseMessageBytes: Int { get }
}

/// A call that a client made: its request, its handler, its response.
@safe package final class ServerStream: CallStream, LoopTask, @unchecked Sendable {
  // `@unchecked Sendable` as its superclass.

  private enum Phase {
    case awaitingHead
    /// The one request message is not whole.
    case awaitingRequest
    case running
    /// The answer is given; the handler may not have noticed yet.
    case answered
  }

  package let head = RequestHead()
  private var phase = Phase.awaitingHead
  private var hasWholeHead = false
  private var isHeadTooLarge = false
  private var hasSentHead = false
  private var handler: (any CallHandler)?
  private var worker: Worker?
  private var isHandlerRunning = false
  private var liveCounter: LiveHandlers?
  private var pool: ServerStreamPool?
  private lazy var deadlineTimer = LoopTimer { [unowned self] in expire() }
  /// When the call has to be over, on the loop's clock.
  package var deadlineNanoseconds: Int64? { deadline }
  private var deadline: Int64?
  private var endpoints: Endpoints?
  package var peer: SocketAddress { endpoints?.peer ?? .memory }
  package var local: SocketAddress { endpoints?.local ?? .memory }
  // `unowned(unsafe)` as `connection`, which it is.
  private unowned(unsafe) var server: ServerConnection?

  // Handlers touch these from whatever thread they run on.
  private let metadataLock = Lock()
  private var initialMetadata: Metadata = [:]
  private var trailingMetadata: Metadata = [:]
  /// Most handlers set none, and then there is nothing to lock.
  private let metadataIsSet = Atomic<Bool>(false)
  private var hasMetadata: Bool { metadataIsSet.load(ordering: .acquiring) }

  private static let responseHead = HeaderBlock(ResponseFields.head)
  private static let trailersOK = HeaderBlock(ResponseFields.trailersOK)

  init(loop: EventLoop, pool: ServerStreamPool) {
    self.pool = pool
    super.init(loop: loop)
  }

  /// Begins a call on a connection.
  func open(on connection: ServerConnection) {
    self.connection = connection
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
    case .whole(_, isCompressed: true): finish(statusOfCompressedMessage())
    case .whole(let payloadBytes, isCompressed: false):
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

  package func willRun(on worker: Worker) -> (any LoopTaskBody)? {
    // The client may have gone between the decision and this moment.
    if isClosed || over {
      didRun()
      return nil
    }
    self.worker = worker
    return handler
  }

  package func didRun() {
    worker = nil
    isHandlerRunning = false
    liveCounter?.count -= 1
    if isClosed { recycle() }
  }

  override var isInRootTask: Bool { worker?.isCurrentTask ?? false }

  /// The one request message. Valid until the handler has ended.
  @unsafe package var request: UnsafeRawBufferPointer {
    let prefix = MessageFramer.prefixBytes
    return unsafe inbound.slice(at: prefix, count: max(0, inbound.count - prefix))
  }

  /// The request was decoded: its memory and its credit can go back.
  package func didTakeRequest() { discardInbound() }

  /// The method that was called. Only handlers ask.
  package var method: MethodDescriptor {
    handler?.descriptor ?? MethodDescriptor(service: "", method: "", kind: .unary)
  }

  // MARK: Metadata

  package var requestMetadata: Metadata {
    metadataLock.lock()
    defer { metadataLock.unlock() }
    return head.metadata
  }

  package func setInitialMetadata(_ metadata: Metadata) {
    metadataLock.lock()
    initialMetadata = metadata
    metadataIsSet.store(true, ordering: .releasing)
    metadataLock.unlock()
  }

  package func setTrailingMetadata(_ metadata: Metadata) {
    metadataLock.lock()
    trailingMetadata = metadata
    metadataIsSet.store(true, ordering: .releasing)
    metadataLock.unlock()
  }

  // Spec: W54 (PROTOCOL-HTTP2, Response-Headers)
  /// Sends the response's head, if it was not sent yet. From any thread.
  package nonisolated(nonsending) func sendHead() async throws {
    if loop.isCurrent { return try sendHeadOnLoop() }
    try await withTaskExecutorPreference(loop) { try await hopAndSendHead() }
  }

  @concurrent private func hopAndSendHead() async throws { try sendHeadOnLoop() }

  private func sendHeadOnLoop() throws {
    if isOver { throw overError }
    submitHead()
  }

  package var hasSentInitialMetadata: Bool { hasSentHead }

  override func willSendMessage(at offset: Int) { submitHead() }

  private func submitHead() {
    if hasSentHead || isClosed { return }
    hasSentHead = true
    let block = hasMetadata ? headWithMetadata() : Self.responseHead
    withConnection { connection in
      connection.submit { session throws(HTTP2Error) in
        try session.submitResponse(block, stream: self)
      }
      connection.setDirty()
    }
  }

  private func headWithMetadata() -> HeaderBlock {
    metadataLock.lock()
    defer { metadataLock.unlock() }
    let fields = ResponseFields.metadata(initialMetadata)
    return fields.map { HeaderBlock([ResponseFields.head, $0]) } ?? Self.responseHead
  }

  // MARK: Answering

  /// Ends the call with the status OK. As `finish`, without what most calls do not need.
  package func finishWithOK() {
    if phase == .answered || isClosed { return }
    if hasMetadata || !hasSentHead { return finish(.ok) }
    withConnection { $0.session.endOutbound(of: self, trailers: Self.trailersOK) }
    didAnswer()
  }

  /// Ends the call with a status. The first one counts; later ones do nothing.
  package func finish(_ status: Status, metadata: Metadata = [:]) {
    if phase == .answered || isClosed { return }
    metadataLock.lock()
    var metadata = metadata
    if !trailingMetadata.isEmpty { metadata.append(contentsOf: trailingMetadata) }
    let initial = initialMetadata
    metadataLock.unlock()
    if hasSentHead {
      answerWithTrailers(status, metadata)
    } else {
      // Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
      var all = initial
      all.append(contentsOf: metadata)
      answer(HeaderBlock(ResponseFields.trailersOnly(status, metadata: all, httpStatus: 200)))
    }
  }

  private func answerWithTrailers(_ status: Status, _ metadata: Metadata) {
    guard let connection else { return }
    let isPlain = status.isOK && status.message.isEmpty && metadata.isEmpty
    let trailers =
      isPlain ? Self.trailersOK : HeaderBlock(ResponseFields.trailers(status, metadata: metadata))
    connection.session.endOutbound(of: self, trailers: trailers)
    didAnswer()
  }

  private func refuse(_ status: Status, httpStatus: Int = 200) {
    answer(
      HeaderBlock(ResponseFields.trailersOnly(status, metadata: [:], httpStatus: httpStatus)))
  }

  private func answer(_ block: HeaderBlock) {
    guard let connection else { return }
    connection.submit { session throws(HTTP2Error) in
      try session.submitTrailersOnly(block, stream: self)
    }
    didAnswer()
  }

  private func didAnswer() {
    phase = .answered
    isSendingOver = true
    cancelDeadline()
    discardInbound()
    end(nil)
    withConnection { $0.setDirty() }
  }

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

  // Spec: W46 (compression: encoding not supported by the server)
  override func statusOfCompressedMessage() -> Status {
    CompressionRules.serverStatus(encoding: head.encoding)
  }

  override var isMessageAwaited: Bool { phase == .awaitingRequest || super.isMessageAwaited }

  // MARK: Deadline

  // Spec: W19 (the server's own timer, from receipt)
  private func startDeadline() {
    guard let timeout = head.timeoutNanoseconds else { return }
    let (moment, overflows) = loop.now.addingReportingOverflow(timeout)
    let deadline = overflows ? Int64.max : moment
    self.deadline = deadline
    // Spec: W16 (0 is legal: it expires at once)
    if timeout == 0 { return expire() }
    loop.schedule(deadlineTimer, at: deadline)
  }

  private func cancelDeadline() {
    // Asking for the timer would make it, in each call.
    if deadline != nil { loop.cancel(deadlineTimer) }
  }

  /// Answers at once, whether or not the handler notices.
  private func expire() {
    if phase == .answered || isClosed { return }
    let status = Status(.deadlineExceeded, "The deadline of the call has passed.")
    error = RPCError(status.code, status.message, origin: .library)
    if outbound.isEmpty {
      finish(status)
    } else if let connection {
      // Trailers would have to wait behind messages that the client does not read.
      connection.session.reset(self, errorCode: ErrorCode.cancel)
      didAnswer()
    }
    worker?.cancel()
  }

  // MARK: Closing

  private func didClose() {
    if phase != .answered {
      phase = .answered
      error = closeError
    }
    isSendingOver = true
    isDiscarding = true
    cancelDeadline()
    end(error)
    // Spec: W73 (RST_STREAM on a server: the handler is cancelled at once)
    if closeCode != ErrorCode.noError || !hasRemoteEnded { worker?.cancel() }
    leaveConnection()
    if !isHandlerRunning { recycle() }
  }

  private var closeError: RPCError {
    guard let connection, connection.isClosed else {
      return RPCError(.cancelled, "The client gave the call up.", origin: .peer)
    }
    // Spec: W81 (connection loss: every server call CANCELLED)
    return RPCError(.cancelled, "The connection to the client is lost.", origin: .peer)
  }

  private func recycle() { pool?.take(back: self) }
}
