// Spec: W97 (connection-backoff: 1 s, ×1.6, at most 120 s, ±20 %)
/// How long to wait before connecting again, the longer the more attempts have failed in a row.
///
/// Source: <https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md>
public struct Backoff: Sendable, Hashable {
  /// After the first failure.
  public var initial: Duration
  /// At most.
  public var max: Duration
  /// From one failure to the next.
  public var multiplier: Double
  /// The part by which each wait is longer or shorter by chance, so that clients do not come all
  /// at once.
  public var jitter: Double

  public init(
    initial: Duration = .seconds(1), max: Duration = .seconds(120), multiplier: Double = 1.6,
    jitter: Double = 0.2
  ) {
    self.initial = initial
    self.max = max
    self.multiplier = multiplier
    self.jitter = jitter
  }

  /// - Parameters:
  ///   - failures: How many attempts have failed in a row, at least 1.
  ///   - chance: From -1 to 1.
  func delay(failures: Int, chance: Double) -> Duration {
    var delay = initial
    var remaining = failures
    while remaining > 1, delay < max {
      delay = delay * multiplier
      remaining -= 1
    }
    return Swift.min(delay, max) * (1 + jitter * chance)
  }
}
