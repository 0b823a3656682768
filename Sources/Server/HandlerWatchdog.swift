internal import Logging
internal import TernCore
internal import TernEventLoop

/// Notices handlers that keep their loop from everything else.
///
/// One a loop and server. A handler that blocks holds up every connection of the loop; who reads
/// the log should learn which one, and what to do.
package final class HandlerWatchdog: LongTurnObserver, @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it.
  private static let quietNanoseconds: Int64 = 60_000_000_000

  private let logger: Logger
  private unowned let loop: EventLoop
  private let paths: [ObjectIdentifier: String]
  private var lastLogged: [String: Int64] = [:]

  init(loop: EventLoop, methods: [RegisteredMethod], logger: Logger) {
    self.loop = loop
    self.logger = logger
    paths = Dictionary(
      uniqueKeysWithValues: methods.map { (ObjectIdentifier($0), $0.descriptor.path) })
  }

  /// A turn of the loop took long; what ran last is what held it.
  package func noteLongTurn(nanoseconds: Int64) {
    guard let path = loop.lastActivity.flatMap({ paths[$0] }) else { return }
    if let last = lastLogged[path], loop.now - last < Self.quietNanoseconds { return }
    lastLogged[path] = loop.now
    logger.warning(
      """
      A handler kept its event loop for \(nanoseconds / 1_000_000) ms, and all other connections of \
      the loop waiting. Let it run elsewhere with handlerExecution = .concurrentPool, or do not \
      block in it.
      """,
      metadata: ["method": "\(path)"])
  }
}
