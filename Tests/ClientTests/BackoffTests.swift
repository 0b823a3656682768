import Testing

@testable import TernClient

// Spec: W97 (connection-backoff: 1 s, ×1.6, at most 120 s, ±20 %)
@Suite("Backoff")
struct BackoffTests {
  @Test(
    "Each failure makes the wait 1.6 times as long, up to 120 s",
    arguments: [
      (1, 1.0), (2, 1.6), (3, 2.56), (4, 4.096), (10, 68.719), (11, 109.951), (12, 120.0),
      (13, 120.0), (1_000_000, 120.0),
    ])
  func growth(failures: Int, seconds: Double) {
    let delay = Backoff().delay(failures: failures, chance: 0)

    #expect(abs(delay / .seconds(1) - seconds) < 0.001)
  }

  @Test(
    "Chance makes the wait up to a fifth longer or shorter, the longest one too",
    arguments: [(1, -1.0, 0.8), (1, 1.0, 1.2), (1, 0.5, 1.1), (50, -1.0, 96.0), (50, 1.0, 144.0)])
  func chance(failures: Int, chance: Double, seconds: Double) {
    let delay = Backoff().delay(failures: failures, chance: chance)

    #expect(abs(delay / .seconds(1) - seconds) < 0.001)
  }

  @Test("A channel may have other numbers")
  func otherNumbers() {
    let backoff = Backoff(initial: .seconds(2), max: .seconds(5), multiplier: 2, jitter: 0)

    #expect(
      (1...4).map { backoff.delay(failures: $0, chance: 1) }
        == [.seconds(2), .seconds(4), .seconds(5), .seconds(5)])
  }
}
