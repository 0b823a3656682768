import TernWire
import TestSupport
import Testing

@Suite("grpc-timeout")
struct TimeoutTextTests {
  // Spec: W14 (PROTOCOL-HTTP2, TimeoutValue)
  @Test("Eight digits are read, nine are refused")
  func digitLimit() {
    #expect(parse("99999999n") == 99_999_999)
    #expect(parse("100000000n") == nil)
    #expect(parse("00000001S") == 1_000_000_000)
  }

  @Test("Each of the six units is read")
  func units() {
    #expect(
      ["1H", "1M", "1S", "1m", "1u", "1n"].map { parse($0) } == [
        3_600_000_000_000, 60_000_000_000, 1_000_000_000, 1_000_000, 1_000, 1,
      ])
  }

  @Test(
    "What is not a timeout is no timeout",
    arguments: ["", "S", "1", "12", "1x", "1s", "-1S", "+1S", "1.5S", " 1S", "1S ", "1 S", "1\0"])
  func noTimeout(text: String) {
    #expect(parse(text) == nil)
  }

  // Spec: W16 (grpc-go: too long a timeout is clamped, not an error)
  @Test("Zero is legal, and too long a timeout is as long as can be said")
  func extremes() {
    #expect(parse("0n") == 0)
    #expect(parse("0H") == 0)
    #expect(parse("99999999H") == .max)
    #expect(parse("2562047H") == 9_223_369_200_000_000_000)
    #expect(parse("2562048H") == .max)
  }

  // Spec: W15 (PROTOCOL-HTTP2, Timeout)
  @Test("The finest unit that fits eight digits is sent, rounded up")
  func text() {
    let cases: [(Int64, String)] = [
      (1, "1n"), (99_999_999, "99999999n"), (100_000_000, "100000u"), (100_000_001, "100001u"),
      (99_999_999_000, "99999999u"), (99_999_999_001, "100000m"),
      (99_999_999_000_000, "99999999m"), (99_999_999_000_001, "100000S"),
      (99_999_999_000_000_000, "99999999S"), (99_999_999_000_000_001, "1666667M"),
      (5_999_999_940_000_000_000, "99999999M"), (5_999_999_940_000_000_001, "1666667H"),
      (.max, "2562048H"), (0, "0n"), (-5, "0n"), (.min, "0n"),
    ]
    for (nanoseconds, text) in cases {
      #expect(TimeoutText.text(nanoseconds: nanoseconds) == text)
    }
  }

  @Test("What is sent is never shorter than what is left, and at most a unit longer")
  func roundTrip() throws {
    var generator = SeededGenerator(seed: 15)
    for _ in 0..<10_000 {
      let bits = Int64.random(in: 0..<63, using: &generator)
      let left = Int64.random(in: 1...(1 << bits), using: &generator)

      let read = try #require(parse(TimeoutText.text(nanoseconds: left)))

      #expect(read >= left)
      // A hundred-thousandth, since a value that is rounded has at least five digits.
      #expect(Double(read - left) <= Double(left) / 1e5)
    }
  }

  private func parse(_ text: String) -> Int64? {
    unsafe withBytes(of: text.utf8) { unsafe TimeoutText.parse($0) }
  }
}
