/// Where a handler runs.
public struct HandlerExecution: Sendable {
  package enum Place: Sendable {
    case eventLoop
    case concurrentPool
    case executor(any TaskExecutor)
  }

  package let place: Place

  /// On the event loop of its connection: the fastest, and right for a handler that does not
  /// block its thread. The default.
  public static let onEventLoop = HandlerExecution(place: .eventLoop)
  /// On Swift's global pool: for a handler that computes for long, or calls blocking code.
  public static let concurrentPool = HandlerExecution(place: .concurrentPool)
  /// On an executor of yours.
  public static func executor(_ executor: any TaskExecutor) -> HandlerExecution {
    HandlerExecution(place: .executor(executor))
  }
}
