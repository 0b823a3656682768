package import Logging
package import TernCore
package import TernEventLoop
package import TernHTTP2

/// What becomes of a new call.
package enum Admission {
  case handler(any CallHandler)
  case refused(Status)
  /// Nothing was done for it: the client may try elsewhere.
  case tooMany
}

/// The server, as its connections see it.
package protocol ServerConnectionOwner: AnyObject {
  /// Finds the handler of a call whose head is here and sound.
  func handler(for stream: ServerStream) -> Admission
  func didClose(_ connection: ServerConnection)
}

/// A connection that a client opened.
@safe package final class ServerConnection: Connection, @unchecked Sendable {
  // `@unchecked Sendable` as its superclass.

  /// How long a client gets to answer the PING that follows the first GOAWAY.
  private static let drainPingTimeout: Duration = .seconds(5)

  private enum Draining { case no, announced, final }

  /// Cleared when the connection closes, as it holds us as well.
  private var owner: (any ServerConnectionOwner)?
  private let pool: ServerStreamPool
  private let limits: ConnectionLimits
  private let handshakeTimeout: Duration
  let liveHandlers = LiveHandlers()
  private var draining = Draining.no
  /// It ends because the server does.
  private(set) var isStopping = false
  private lazy var handshakeTimer = LoopTimer { [unowned self] in handshakeIsLate() }
  private lazy var drainTimer = LoopTimer { [unowned self] in announceLastStream() }

  /// Any number will do; this one can be found in a packet trace.
  private static let drainPing: UInt64 = 0x7465_726E_6279_6521

  package init(
    transport: ByteTransport, loop: EventLoop, pool: ServerStreamPool, limits: ConnectionLimits,
    handshakeTimeout: Duration, owner: any ServerConnectionOwner, logger: Logger
  ) throws {
    self.pool = pool
    self.limits = limits
    self.owner = owner
    self.handshakeTimeout = handshakeTimeout
    try super.init(
      role: .server, transport: transport, loop: loop, limits: limits, logger: logger)
  }

  package override func start() {
    loop.schedule(handshakeTimer, after: handshakeTimeout)
    super.start()
  }

  var maxHeaderListBytes: Int { limits.hardMaxHeaderListBytes }

  private func handshakeIsLate() {
    close(
      ConnectionEnd(
        transport.isEstablished
          ? "the client sent no HTTP/2 preface and SETTINGS within \(handshakeTimeout)"
          : "the client did not finish the TLS handshake within \(handshakeTimeout)",
        isPeersFault: true))
  }

  // MARK: Calls

  package override func makeStream() -> _HTTP2Stream? { pool.make(on: self) }

  func admit(_ stream: ServerStream) -> Admission {
    // Handlers and not streams: a client that opens and resets streams in a loop would otherwise
    // have more handlers running than streams open.
    if liveHandlers.count >= 2 * limits.maxConcurrentStreams { return .tooMany }
    guard let owner else { return .tooMany }
    return owner.handler(for: stream)
  }

  // MARK: Notes

  override func act(on note: Note) {
    switch note {
    case .settings: loop.cancel(handshakeTimer)
    case .pingAcknowledgement(let opaque):
      if opaque == Self.drainPing { announceLastStream() }
    case .goAway(_, let errorCode, let debugText):
      logger.debug(
        "The client goes away.",
        metadata: ["peer": "\(peer)", "code": "\(errorCode)", "reason": "\(debugText)"])
    }
  }

  // MARK: Draining

  // Spec: W78 (RFC 9113, 6.8; graceful shutdown in two steps)
  /// Lets the calls that run end, and takes no more after a round trip.
  package func drain() {
    guard draining == .no, !isClosed else { return }
    draining = .announced
    session.submitShutdownNotice()
    session.submitPing(Self.drainPing)
    loop.schedule(drainTimer, after: Self.drainPingTimeout)
    loop.markDirty(self)
  }

  /// The client has seen the first GOAWAY: what it opened before that has arrived.
  private func announceLastStream() {
    guard draining == .announced, !isClosed else { return }
    draining = .final
    loop.cancel(drainTimer)
    session.submitGoAway(errorCode: ErrorCode.noError)
    loop.markDirty(self)
  }

  /// The server ends it with whatever runs.
  package func stop() {
    isStopping = true
    close(ConnectionEnd("the server stops"))
  }

  override func didClose(_ end: ConnectionEnd) {
    loop.cancel(handshakeTimer)
    loop.cancel(drainTimer)
    if end.isPeersFault {
      logger.warning(
        "A connection was closed.", metadata: ["peer": "\(peer)", "reason": "\(end.reason)"])
    } else {
      logger.debug(
        "A connection has ended.", metadata: ["peer": "\(peer)", "reason": "\(end.reason)"])
    }
    owner?.didClose(self)
    owner = nil
  }
}
