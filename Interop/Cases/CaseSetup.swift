public import Tern

/// How a case is put to a server.
public struct CaseSetup: Sendable {
  /// A channel to the server. One a case, but for those that are about having many.
  public var makeChannel: @Sendable () throws -> GRPCChannel
  /// Sent with each call, beside what the case itself sends.
  public var metadata: Metadata = [:]
  public var soak = SoakSettings()
  /// How many calls `concurrent_large_unary` makes at once.
  public var concurrentCallCount: Int
  /// How long `long_lived_channel` rests between two calls.
  public var restBetweenCalls: Duration = .seconds(10)
  /// Gets a line for each iteration of the cases that have some, and their summary.
  public var log: @Sendable (String) -> Void = { _ in }

  public init(
    concurrentCallCount: Int = 1000, makeChannel: @escaping @Sendable () throws -> GRPCChannel
  ) {
    self.concurrentCallCount = concurrentCallCount
    self.makeChannel = makeChannel
  }
}

/// How long, how much and how fast `rpc_soak` and `channel_soak` call, and what still passes. The
/// defaults are those of gRPC's description of the cases.
public struct SoakSettings: Sendable {
  public var iterations = 10
  /// So many may fail, or take too long.
  public var maxFailures = 0
  /// What one iteration may take.
  public var maxLatency: Duration = .seconds(1)
  /// What all may take together. `nil`: as many times `maxLatency` as there are iterations.
  public var overallTimeout: Duration?
  /// From the begin of one iteration to that of the next one, at least.
  public var minInterval: Duration = .zero
  public var requestBytes = 271_828
  public var responseBytes = 314_159
  /// How many go on side by side; they share the iterations.
  public var threads = 1
  /// What the log calls the server.
  public var serverName = "the server"

  public init() {}
}
