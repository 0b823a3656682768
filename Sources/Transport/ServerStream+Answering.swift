internal import Logging
internal import Synchronization
internal import TernBytes
package import TernCore
internal import TernEventLoop
internal import TernHTTP2
internal import TernWire

extension ServerStream {
  // MARK: Metadata

  package var requestMetadata: Metadata {
    metadataLock.lock()
    defer { metadataLock.unlock() }
    return head.metadata
  }

  package func setInitialMetadata(_ metadata: Metadata) throws(RPCError) {
    try checkHeadIsUnsent()
    metadataLock.lock()
    initialMetadata = metadata
    metadataIsSet.store(true, ordering: .releasing)
    metadataLock.unlock()
  }

  func checkHeadIsUnsent() throws(RPCError) {
    if !hasSentHead { return }
    throw RPCError(
      .internal,
      "The initial metadata was sent already, by itself or with the first message. Set it before.",
      origin: .caller)
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

  func submitHead() {
    if hasSentHead || isClosed { return }
    let block = hasMetadata || head.mentionsCompression ? fullHead() : Self.responseHead
    if hasMetadata, let status = refusal(of: block, "initial") {
      return fail(withoutMetadata: status)
    }
    hasSentHead = true
    withConnection { connection in
      connection.submit { session throws(HTTP2Error) in
        try session.submitResponse(block, stream: self)
      }
      connection.setDirty()
    }
  }

  // Spec: W30 (grpc-go: nothing is sent above the limit of the other side)
  /// What becomes of a call whose metadata the client would not take; `nil` if it would.
  private func refusal(of block: HeaderBlock, _ which: String) -> Status? {
    guard let connection else { return nil }
    let limit = connection.session.maxSendableHeaderListBytes
    let bytes = block.listBytes
    if bytes <= limit { return nil }
    let status = Status(
      .internal,
      "The \(which) metadata of the response makes a header block of \(bytes) bytes; the client accepts "
        + "\(limit). Send less metadata.")
    connection.logger.error(
      "Metadata of a response was left out.",
      metadata: ["method": "\(method)", "peer": "\(peer)", "reason": "\(status.message)"])
    return status
  }

  private func fail(withoutMetadata status: Status) {
    metadataLock.lock()
    initialMetadata = [:]
    trailingMetadata = [:]
    attachments?.initialMetadata = [:]
    attachments?.trailingMetadata = [:]
    metadataLock.unlock()
    end(RPCError(status.code, status.message, origin: .library), as: .cancelled(.refused))
    finish(status)
    cancelHandler()
  }

  private func fullHead() -> HeaderBlock {
    guard hasMetadata, let metadata = metadataFields() else {
      return compressionOfHead?.head(for: algorithmOfHead) ?? Self.responseHead
    }
    let compression = compressionOfHead?.fields(for: algorithmOfHead)
    return HeaderBlock([ResponseFields.head] + (compression.map { [$0] } ?? []) + [metadata])
  }

  private func metadataFields() -> FieldBlock? {
    metadataLock.lock()
    defer { metadataLock.unlock() }
    return ResponseFields.metadata(allInitialMetadata)
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
    let trailing = allTrailingMetadata
    if !trailing.isEmpty { metadata.append(contentsOf: trailing) }
    let initial = allInitialMetadata
    metadataLock.unlock()
    // What was meant to go ahead goes ahead, of an error as well.
    if !hasSentHead, !initial.isEmpty {
      submitHead()
      if phase == .answered { return }
    }
    if hasSentHead {
      answerWithTrailers(status, metadata)
    } else {
      // Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
      let accepted = compressionOfHead?.call.acceptedEncodings
      let block = HeaderBlock(
        ResponseFields.trailersOnly(status, metadata: metadata, acceptEncoding: accepted))
      if !metadata.isEmpty, let status = refusal(of: block, "trailing") { return refuse(status) }
      answer(block)
    }
  }

  private func answerWithTrailers(_ status: Status, _ metadata: Metadata) {
    guard let connection else { return }
    let isPlain = status.isOK && status.message.isEmpty && metadata.isEmpty
    var trailers =
      isPlain ? Self.trailersOK : HeaderBlock(ResponseFields.trailers(status, metadata: metadata))
    if !metadata.isEmpty, let status = refusal(of: trailers, "trailing") {
      trailers = HeaderBlock(ResponseFields.trailers(status, metadata: [:]))
    }
    connection.session.endOutbound(of: self, trailers: trailers)
    didAnswer()
  }

  func refuse(_ status: Status, httpStatus: Int = 200) {
    answer(
      HeaderBlock(ResponseFields.trailersOnly(status, metadata: [:], httpStatus: httpStatus)))
  }

  func answer(_ block: HeaderBlock) {
    guard let connection else { return }
    connection.submit { session throws(HTTP2Error) in
      try session.submitTrailersOnly(block, stream: self)
    }
    didAnswer()
  }

  func didAnswer() {
    phase = .answered
    isSendingOver = true
    discardInbound()
    end(nil, as: .answered)
    withConnection { $0.setDirty() }
  }

  // MARK: Deadline

  // Spec: W19 (the server's own timer, from receipt)
  func startDeadline() {
    guard let timeout = head.timeoutNanoseconds else { return }
    let (moment, overflows) = loop.now.addingReportingOverflow(timeout)
    let deadline = overflows ? Int64.max : moment
    self.deadline = deadline
    // Spec: W16 (0 is legal: it expires at once)
    if timeout == 0 { return expire() }
    loop.schedule(deadlineTimer, at: deadline)
  }

  func cancelDeadline() {
    // Asking for the timer would make it, in each call.
    if deadline != nil { loop.cancel(deadlineTimer) }
  }

  /// Answers at once, whether or not the handler notices.
  func expire() {
    if isClosed { return }
    // Answered, and the client does not read it.
    if phase == .answered { return resetUnread() }
    let status = Status(.deadlineExceeded, "The deadline of the call has passed.")
    end(RPCError(status.code, status.message, origin: .library), as: .cancelled(.deadline))
    if outbound.isEmpty {
      finish(status)
    } else {
      // Trailers would have to wait behind messages that the client does not read.
      resetUnread()
      didAnswer()
    }
    cancelHandler()
  }

  func resetUnread() {
    withConnection { connection in
      connection.session.reset(self, errorCode: ErrorCode.cancel)
      connection.setDirty()
    }
  }

  // MARK: Closing

  func didClose() {
    let wasAnswered = phase == .answered
    phase = .answered
    isSendingOver = true
    isDiscarding = true
    cancelDeadline()
    if !wasAnswered {
      let reason = closeReason
      end(Self.error(of: reason), as: .cancelled(reason))
    }
    // Spec: W73 (RST_STREAM on a server: the handler is cancelled at once)
    if !wasAnswered || closeCode != ErrorCode.noError || !hasRemoteEnded { cancelHandler() }
    leaveConnection()
    if !isHandlerRunning { recycle() }
  }

  private var closeReason: CancellationReason {
    guard let server = unsafe server, server.isClosed else { return .peer }
    return server.isStopping ? .serverStopping : .connectionLost
  }

  /// What those who still read or write in the call are told.
  private static func error(of reason: CancellationReason) -> RPCError {
    switch reason {
    // Spec: W75 (who generates which status: a server that shuts down)
    case .serverStopping:
      RPCError(
        .unavailable, "The server stops, and does not wait for this call any longer.",
        origin: .library)
    // Spec: W81 (connection loss: every server call CANCELLED)
    case .connectionLost:
      RPCError(.cancelled, "The connection to the client is lost.", origin: .peer)
    default: RPCError(.cancelled, "The client gave the call up.", origin: .peer)
    }
  }

  func recycle() { pool?.take(back: self) }
}
