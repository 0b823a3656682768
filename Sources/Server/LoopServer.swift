internal import Logging
internal import TernCore
internal import TernEventLoop
package import TernTransport
internal import TernWire

/// The part of a server that lives on one loop: its connections there.
@safe package final class LoopServer: ServerConnectionOwner, @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it; `init` hands it over.
  let loop: EventLoop
  private let table: MethodTable
  private let options: ServerOptions
  private let pool: ServerStreamPool
  private let watchdog: HandlerWatchdog
  private let gate: HandshakeGate
  private var security: ServerSecurity?
  private var connections: [ObjectIdentifier: ServerConnection] = [:]
  private var isDraining = false
  private var hasEnded = false
  private var closeTimer: LoopTimer?
  /// Called when it drains and has no connection left.
  private let onEmpty: @Sendable () -> Void

  init(
    loop: EventLoop, table: MethodTable, methods: [RegisteredMethod], options: ServerOptions,
    onEmpty: @escaping @Sendable () -> Void
  ) {
    self.loop = loop
    self.table = table
    self.options = options
    self.onEmpty = onEmpty
    pool = ServerStreamPool(loop: loop)
    gate = HandshakeGate(loop: loop, maxPerTurn: options.maxHandshakesPerTurn)
    watchdog = HandlerWatchdog(loop: loop, methods: methods, logger: options.logger)
  }

  /// Begins. On the loop.
  ///
  /// - Parameter security: `nil`: plaintext.
  func start(security: ServerSecurity?) {
    self.security = security
    loop.addLongTurnObserver(watchdog)
  }

  /// Takes over a connection. On the loop.
  func accept(_ transport: ByteTransport) {
    if hasEnded { return transport.close() }
    do {
      let secured = try security?.secure(transport, loop: loop, gate: gate) ?? transport
      let connection = try ServerConnection(
        transport: secured, loop: loop, pool: pool, limits: options.limits,
        handshakeTimeout: options.handshakeTimeout, owner: self, logger: options.logger)
      connections[ObjectIdentifier(connection)] = connection
      connection.start()
      // It was in the listener's queue when the server began to drain: a GOAWAY sends its client to
      // the next server, where a closed socket would look like a failure.
      if isDraining { connection.drain() }
    } catch {
      options.logger.error(
        "A connection could not be served.",
        metadata: ["peer": "\(transport.remoteAddress)", "reason": "\(error)"])
      transport.close()
    }
  }

  // MARK: ServerConnectionOwner

  package func handler(for stream: ServerStream) -> Admission {
    if let method = unsafe table.method(for: stream.head.path) { return .handler(method) }
    return .refused(table.statusOfUnknown(path: stream.head.pathText))
  }

  package func didClose(_ connection: ServerConnection) {
    connections[ObjectIdentifier(connection)] = nil
    endIfEmpty()
  }

  // MARK: Ending

  /// Lets the calls end; then the connections. On the loop.
  func drain() {
    if isDraining { return }
    isDraining = true
    for connection in connections.values { connection.drain() }
    endIfEmpty()
  }

  /// Ends all connections after a time, if they have not ended by then. On the loop.
  func closeAll(after limit: Duration) {
    if hasEnded { return }
    let timer = closeTimer ?? LoopTimer { [unowned self] in closeNow() }
    closeTimer = timer
    loop.schedule(timer, after: limit)
  }

  private func closeNow() {
    for connection in connections.values { connection.stop() }
  }

  private func endIfEmpty() {
    guard isDraining, !hasEnded, connections.isEmpty else { return }
    hasEnded = true
    loop.removeLongTurnObserver(watchdog)
    if let closeTimer { loop.cancel(closeTimer) }
    pool.close()
    onEmpty()
  }
}

extension ServerOptions {
  var limits: ConnectionLimits {
    var limits = ConnectionLimits()
    limits.maxConcurrentStreams = maxConcurrentStreams
    limits.streamWindowBytes = streamWindowBytes
    limits.maxStreamWindowBytes = maxStreamWindowBytes
    limits.connectionWindowBytes = connectionWindowBytes
    limits.maxHeaderListBytes = maxHeaderListBytes
    limits.receiveBudgetBytes = receiveBudgetBytes
    return limits
  }
}
