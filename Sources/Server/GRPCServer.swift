internal import Logging
public import TernCore
public import TernEventLoop
package import TernTransport

/// Serves gRPC services.
///
/// ```swift
/// let server = GRPCServer(services: [Greeter()])
/// try await server.run(on: .tcp("0.0.0.0", 50051), credentials: .insecure)
/// ```
///
/// A server serves once: make another one to serve again.
public final class GRPCServer: Sendable {
  private let options: ServerOptions
  package let group: EventLoopGroup
  private let loops: [LoopServer]
  private let state = ServerState()
  private let listeners = Listeners()
  private let security = SecuritySlot()
  /// A path that two services have; a server that has some does not start.
  private let duplicates: [String]

  /// - Parameters:
  ///   - services: What it serves. Each path may come once.
  ///   - group: Where it runs; the loops of the whole process unless told otherwise.
  public init(
    services: [any RPCService], options: ServerOptions = ServerOptions(),
    group: EventLoopGroup = .shared
  ) {
    self.options = options
    self.group = group
    let methods = services.flatMap(\.serverMethods).map { RegisteredMethod($0, options: options) }
    let counts = Dictionary(methods.map { ($0.descriptor.path, 1) }, uniquingKeysWith: +)
    duplicates = counts.filter { $0.value > 1 }.keys.sorted()
    let table = MethodTable(methods)
    let state = state
    loops = group.loops.map { loop in
      LoopServer(
        loop: loop, table: table, methods: methods, options: options,
        onEmpty: { state.loopIsEmpty() })
    }
  }

  /// Serves until the process gets SIGTERM or SIGINT or the task is cancelled; then lets the calls
  /// that run end, for at most `gracefulShutdownTimeout`.
  ///
  /// - Parameter onListening: Gets the address when clients can connect.
  /// - Throws: `ServerError` if it cannot listen.
  public func run(
    on address: ListenAddress, credentials: ServerCredentials,
    onListening: @Sendable (SocketAddress) -> Void = { _ in }
  ) async throws {
    let bound = try await start(on: address, credentials: credentials)
    let loop = loops[0].loop
    let signals = try watchSignals(on: loop)
    onListening(bound)
    await withTaskCancellationHandler {
      await waitForTermination()
    } onCancel: {
      beginShutdownWithTimeout()
    }
    loop.execute { signals.stop() }
  }

  private func watchSignals(on loop: EventLoop) throws -> SignalWatch {
    do {
      let signals = try SignalWatch(loop: loop) { [self] in beginShutdownWithTimeout() }
      let logger = options.logger
      loop.execute {
        do throws(SystemError) {
          try signals.start()
        } catch {
          logger.error("Signals cannot be watched.", metadata: ["reason": "\(error)"])
        }
      }
      return signals
    } catch {
      beginGracefulShutdown()
      throw ServerError("Signals cannot be watched: \(error).", cause: error)
    }
  }

  /// Begins to serve, and returns when clients can connect.
  ///
  /// - Returns: The address, with the port that was chosen if the given one was 0. Where a name has
  ///   several addresses it is the first one.
  /// - Throws: `ServerError` if it cannot listen.
  public func start(
    on address: ListenAddress, credentials: ServerCredentials
  ) async throws -> SocketAddress {
    if !duplicates.isEmpty {
      throw ServerError(
        "Two services of this server have the same methods: \(duplicates.joined(separator: ", ")). "
          + "Register each service once.")
    }
    guard state.start(loopCount: loops.count) else {
      throw ServerError("This server was started before. Make a new GRPCServer to serve again.")
    }
    do {
      try security.prepare(credentials, logger: options.logger)
      return try await listen(on: address)
    } catch {
      state.undoStart()
      throw error
    }
  }

  /// Reads the files of the server's credentials again, now. New connections use what is in them.
  /// Blocks while it reads.
  ///
  /// - Throws: `ServerError` if they cannot be used; what was used before stays.
  public func reloadCredentials() throws { try security.reload() }

  private func listen(on address: ListenAddress) async throws -> SocketAddress {
    let loop = loops[0].loop
    let opened = try await Listeners.open(
      address, loop: loop, reusesPort: options.reusesPort)
    let security = security.current
    for server in loops { server.loop.execute { server.start(security: security) } }
    let result: Result<Void, ServerError> = await withCheckedContinuation { continuation in
      loop.submit { [self] in
        continuation.resume(
          returning: listeners.start(opened, onAccept: accept, logger: options.logger))
      }
    }
    try result.get()
    loop.execute { [self] in self.security.startWatching(on: loop) }
    let bound = opened[0].address
    options.logger.info("Listening.", metadata: ["address": "\(bound)"])
    return bound
  }

  /// Hands a new connection to the loop with the fewest.
  private func accept(_ socket: Socket) {
    var best = loops[0]
    for server in loops.dropFirst()
    where server.loop.connectionCount < best.loop.connectionCount {
      best = server
    }
    let server = best
    server.loop.execute { server.accept(SocketTransport(socket)) }
  }

  /// Serves one half of a pair in memory.
  package func accept(_ transport: ByteTransport) {
    let server = loops[0]
    server.loop.execute { server.accept(transport) }
  }

  /// Serves only what `accept` brings, unless it serves already.
  package func startWithoutListening() {
    guard state.start(loopCount: loops.count) else { return }
    for server in loops { server.loop.execute { server.start(security: nil) } }
  }

  // MARK: Ending

  /// Takes no new connections and calls; calls that run may end. Returns at once.
  public func beginGracefulShutdown() {
    guard state.drain() else { return }
    let loop = loops[0].loop
    loop.execute { [self] in
      listeners.close()
      security.stopWatching()
      for server in loops { server.loop.execute { server.drain() } }
    }
  }

  private func beginShutdownWithTimeout() {
    beginGracefulShutdown()
    closeAll(after: options.gracefulShutdownTimeout)
  }

  /// Returns when the last connection is closed after a shutdown.
  public func waitForTermination() async { await state.waitUntilOver() }

  /// Takes no new calls, lets those that run end for up to `limit`, then ends them.
  public func shutDown(within limit: Duration) async {
    beginGracefulShutdown()
    closeAll(after: limit)
    await waitForTermination()
  }

  private func closeAll(after limit: Duration) {
    for server in loops {
      server.loop.execute { server.closeAll(after: limit) }
    }
  }
}
