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

  package struct Limits: Sendable {
    package var handshakeTimeout: Duration = .seconds(20)
    package var receiveBudgetBytes = 32 << 20
    /// How long a client gets to answer the PING that follows the first GOAWAY.
    package var drainPingTimeout: Duration = .seconds(5)
    package init() {}
  }

  private enum Draining { case no, announced, final }

  private weak var owner: (any ServerConnectionOwner)?
  private let pool: ServerStreamPool
  private let limits: Limits
  private let settings: HTTP2Settings
  let liveHandlers = LiveHandlers()
  private var draining = Draining.no
  private lazy var handshakeTimer = LoopTimer { [unowned self] in handshakeIsLate() }
  private lazy var drainTimer = LoopTimer { [unowned self] in announceLastStream() }

  /// Any number will do; this one can be found in a packet trace.
  private static let drainPing: UInt64 = 0x7465_726E_6279_6521

  package init(
    transport: ByteTransport, loop: EventLoop, pool: ServerStreamPool, settings: HTTP2Settings,
    limits: Limits, owner: any ServerConnectionOwner, logger: Logger
  ) throws(HTTP2Error) {
    self.pool = pool
    self.limits = limits
    self.owner = owner
    self.settings = settings
    try super.init(
      role: .server, transport: transport, loop: loop, settings: settings,
      receiveBudgetBytes: limits.receiveBudgetBytes, logger: logger)
  }

  package override func start() {
    loop.schedule(handshakeTimer, after: limits.handshakeTimeout)
    super.start()
  }

  var maxHeaderListBytes: Int { settings.hardMaxHeaderListBytes }

  private func handshakeIsLate() {
    close(
      ConnectionEnd(
        "the client sent no HTTP/2 preface and SETTINGS within \(limits.handshakeTimeout)",
        isPeersFault: true))
  }

  // MARK: Calls

  package override func makeStream() -> (stream: HTTP2Stream, receiver: any StreamReceiver)? {
    let stream = pool.make(on: self)
    return (stream.http2, stream)
  }

  func admit(_ stream: ServerStream) -> Admission {
    // Handlers and not streams: a client that opens and resets streams in a loop would otherwise
    // have more handlers running than streams open.
    if liveHandlers.count >= 2 * settings.maxConcurrentStreams { return .tooMany }
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
    loop.schedule(drainTimer, after: limits.drainPingTimeout)
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

  /// Ends it with whatever runs.
  package func closeNow(_ reason: String) { close(ConnectionEnd(reason)) }

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
  }
}
