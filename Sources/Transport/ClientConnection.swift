package import Logging
internal import TernBytes
internal import TernCore
package import TernEventLoop
internal import TernHTTP2
internal import TernWire

/// The channel, as its connections see it.
package protocol ClientConnectionOwner: AnyObject {
  // Spec: W98 (ready only when the server's SETTINGS are here)
  /// The server's SETTINGS are here, for the first time.
  func didBecomeReady(_ connection: ClientConnection)
  /// A stream has ended, or the server allows more of them.
  func hasRoom(_ connection: ClientConnection)
  /// The server goes away: calls that run may end, new ones need another connection.
  func isDraining(_ connection: ClientConnection)
  /// The server goes away because it got more PINGs than it likes.
  func wantsFewerPings(_ connection: ClientConnection)
  func didClose(_ connection: ClientConnection, _ end: ConnectionEnd)
  /// A call that no server has looked at.
  func sendAgain(_ stream: ClientStream)
}

/// A connection that we opened.
@safe package final class ClientConnection: Connection, @unchecked Sendable {
  // `@unchecked Sendable` as its superclass.

  /// Cleared when the connection closes, as it holds us as well.
  package var owner: (any ClientConnectionOwner)? { channel }
  package var isReady: Bool { hasSettings }
  package var isDraining: Bool { isLeaving }
  /// The server has ended a call that it had not refused.
  package var hasServed: Bool { served }
  // Stored beside, as in `CallStream`.
  private var channel: (any ClientConnectionOwner)?
  private var hasSettings = false
  private var isLeaving = false
  private var served = false
  /// Whether the transport lets both sides speak.
  package var isEstablished: Bool { transport.isEstablished }
  private let keepalive: Keepalive?
  private var goAwayText = ""
  private var closeReason = ""
  private var closingStreamCount = 0
  private lazy var keepaliveTimer = LoopTimer { [unowned self] in checkKeepalive() }

  private static let keepalivePing: UInt64 = 0x7465_726E_616C_6976

  // Spec: W87 (A8; client keepalive)
  package struct Keepalive: Sendable {
    package var interval: Duration
    package var timeout: Duration
    package var withoutCalls: Bool

    package init(interval: Duration, timeout: Duration, withoutCalls: Bool) {
      self.interval = interval
      self.timeout = timeout
      self.withoutCalls = withoutCalls
    }
  }

  package init(
    transport: ByteTransport, loop: EventLoop, limits: ConnectionLimits, keepalive: Keepalive?,
    owner: any ClientConnectionOwner, logger: Logger
  ) throws {
    channel = owner
    self.keepalive = keepalive
    try super.init(
      role: .client, transport: transport, loop: loop, limits: limits, logger: logger)
  }

  // MARK: Calls

  // Spec: W80 (RFC 9113, 5.1.2: what is above the server's limit is queued)
  /// Whether another call may be sent now.
  package var hasRoom: Bool {
    hasSettings && !isLeaving && !isClosed
      && session.openStreamCount < session.remoteMaxConcurrentStreams && session.canOpenStreams
  }

  /// Sends a call.
  ///
  /// - Returns: `false` if this connection cannot take it; nothing was sent.
  package func start(_ stream: ClientStream, head: RequestHeadBlock) -> Bool {
    guard hasRoom else { return false }
    if isTooLarge(head, for: stream) { return true }
    do throws(HTTP2Error) {
      try stream.start(on: self, head: head.block)
    } catch {
      logger.debug("HTTP/2 refused a call.", metadata: ["peer": "\(peer)", "reason": "\(error)"])
      return false
    }
    if keepalive != nil, session.openStreamCount == 1 { armKeepalive() }
    if !session.hasStreamNumbers { leaveToOthers() }
    return true
  }

  // Spec: W79 (calls move to another connection before stream numbers end)
  /// This call was the last one that has a number.
  private func leaveToOthers() {
    // Not now: whoever starts calls is in the middle of it.
    loop.submit { [self] in
      if isLeaving || isClosed { return }
      isLeaving = true
      channel?.isDraining(self)
      if session.openStreamCount == 0 { endDraining() }
    }
  }

  // Spec: W30 (grpc-go: nothing is sent above the limit of the other side)
  /// Ends a call whose metadata the server would not take.
  private func isTooLarge(_ head: RequestHeadBlock, for stream: ClientStream) -> Bool {
    let limit = session.maxSendableHeaderListBytes
    let bytes = head.block.listBytes
    if bytes <= limit { return false }
    stream.cancel(
      Status(
        .internal,
        "The request's metadata makes a header block of \(bytes) bytes; the server \(peer) accepts "
          + "\(limit). Send less metadata, or raise the server's maxHeaderListBytes."),
      origin: .library)
    return true
  }

  override func didClose(_ stream: CallStream) {
    if isClosed { return }
    if stream.closeCode != ErrorCode.refusedStream { served = true }
    if isLeaving, session.openStreamCount == 0 { return endDraining() }
    channel?.hasRoom(self)
  }

  // Spec: W81 (connection loss: every open client call UNAVAILABLE)
  // Spec: W63 (what must not come, as DATA before HEADERS, is INTERNAL)
  /// The status of a call that ran when the connection was lost.
  var lossStatus: Status {
    // nghttp2 does not say which stream's frame it could not bear; with one call there is no doubt.
    if session.terminationCode != nil, closingStreamCount == 1 {
      return Status(.internal, "The server \(peer) answered wrongly: \(closeReason).")
    }
    let goAway = goAwayText.isEmpty ? "" : " The server had said that it goes away\(goAwayText)."
    return Status(
      .unavailable, "The connection to \(peer) was lost: \(closeReason).\(goAway)")
  }

  // MARK: Notes

  override func act(on note: Note) {
    switch note {
    case .settings: receiveSettingsNote()
    case .pingAcknowledgement(let opaque):
      if opaque == Self.keepalivePing { pingSentNanoseconds = nil }
    case .goAway(_, let errorCode, let debugText):
      receiveGoAwayNote(errorCode: errorCode, debugText: debugText)
    }
  }

  private func receiveSettingsNote() {
    if hasSettings {
      channel?.hasRoom(self)
      return
    }
    hasSettings = true
    if keepalive?.withoutCalls == true { armKeepalive() }
    channel?.didBecomeReady(self)
  }

  // Spec: W77 (RFC 9113, 6.8: no new streams after GOAWAY)
  private func receiveGoAwayNote(errorCode: UInt32, debugText: String) {
    goAwayText = errorCode == 0 && debugText.isEmpty ? "" : ": \(debugText) (code \(errorCode))"
    logger.debug(
      "The server goes away.",
      metadata: ["peer": "\(peer)", "code": "\(errorCode)", "reason": "\(debugText)"])
    // Spec: W89 (A8; the debug data is ASCII text)
    if errorCode == ErrorCode.enhanceYourCalm, debugText == "too_many_pings" {
      channel?.wantsFewerPings(self)
    }
    if isLeaving { return }
    isLeaving = true
    channel?.isDraining(self)
    if session.openStreamCount == 0 { endDraining() }
  }

  private func endDraining() {
    session.submitGoAway(errorCode: ErrorCode.noError)
    setDirty()
  }

  /// No new calls; closes when the last one has ended.
  package func drain() {
    if isLeaving { return }
    isLeaving = true
    if session.openStreamCount == 0 { endDraining() }
  }

  /// Ends it with whatever runs.
  package func closeNow(_ reason: String) {
    close(ConnectionEnd(reason))
  }

  override func willClose(_ end: ConnectionEnd) {
    closeReason = end.reason
    closingStreamCount = session.openStreamCount
  }

  override func didClose(_ end: ConnectionEnd) {
    loop.cancel(keepaliveTimer)
    logger.debug(
      "A connection has ended.", metadata: ["peer": "\(peer)", "reason": "\(end.reason)"])
    channel?.didClose(self, end)
    channel = nil
  }

  // MARK: Keepalive

  private var pingSentNanoseconds: Int64?

  private func armKeepalive() {
    guard let keepalive, !keepaliveTimer.isScheduled else { return }
    loop.schedule(keepaliveTimer, after: keepalive.interval)
  }

  // Spec: W88 (a PING that is not answered ends the connection)
  private func checkKeepalive() {
    guard let keepalive, !isClosed else { return }
    if let sent = pingSentNanoseconds {
      pingSentNanoseconds = nil
      // Any byte read counts as a sign of life.
      if lastReadNanoseconds <= sent {
        return close(
          ConnectionEnd("the server did not answer a keepalive PING within \(keepalive.timeout)"))
      }
    }
    if session.openStreamCount == 0, !keepalive.withoutCalls { return }
    let (due, overflows) = lastReadNanoseconds.addingReportingOverflow(
      keepalive.interval.clampedNanoseconds)
    if overflows { return }  // A user's "never".
    if due > loop.now { return loop.schedule(keepaliveTimer, at: due) }
    pingSentNanoseconds = loop.now
    session.submitPing(Self.keepalivePing)
    setDirty()
    loop.schedule(keepaliveTimer, after: keepalive.timeout)
  }
}
