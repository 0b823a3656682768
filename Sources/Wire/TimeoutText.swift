/// The value of `grpc-timeout`: up to eight digits and a unit.
package enum TimeoutText {
  // Spec: W14 (PROTOCOL-HTTP2, TimeoutValue: at most 8 digits)
  private static let maxDigits = 8
  private static let firstValueWithNineDigits: Int64 = 100_000_000

  // Spec: W16 (grpc-go: too long a timeout is clamped, not an error)
  /// - Returns: Nanoseconds; `nil` for what is not a timeout. A server then fails the call with
  ///   INTERNAL, as grpc-go does.
  package static func parse(_ bytes: UnsafeRawBufferPointer) -> Int64? {
    let digits = bytes.count - 1
    guard (1...maxDigits).contains(digits), let unit = unsafe nanoseconds(unit: bytes[digits])
    else { return nil }
    var value: Int64 = 0
    for index in 0..<digits {
      let digit = unsafe bytes[index]
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + Int64(digit - UInt8(ascii: "0"))
    }
    let (nanoseconds, isTooLong) = value.multipliedReportingOverflow(by: unit)
    return isTooLong ? .max : nanoseconds
  }

  private static func nanoseconds(unit: UInt8) -> Int64? {
    switch unit {
    case UInt8(ascii: "H"): 3_600_000_000_000
    case UInt8(ascii: "M"): 60_000_000_000
    case UInt8(ascii: "S"): 1_000_000_000
    case UInt8(ascii: "m"): 1_000_000
    case UInt8(ascii: "u"): 1_000
    case UInt8(ascii: "n"): 1
    default: nil
    }
  }

  // Spec: W15 (PROTOCOL-HTTP2, Timeout)
  /// In the finest unit that fits. Rounds up, so that what is left never becomes zero.
  package static func text(nanoseconds: Int64) -> String {
    guard nanoseconds > 0 else { return "0n" }
    if let text = text(nanoseconds, unit: 1, "n") { return text }
    if let text = text(nanoseconds, unit: 1_000, "u") { return text }
    if let text = text(nanoseconds, unit: 1_000_000, "m") { return text }
    if let text = text(nanoseconds, unit: 1_000_000_000, "S") { return text }
    if let text = text(nanoseconds, unit: 60_000_000_000, "M") { return text }
    // The longest Int64 of nanoseconds is 292 years: seven digits of hours.
    return "\((nanoseconds - 1) / 3_600_000_000_000 + 1)H"
  }

  private static func text(_ nanoseconds: Int64, unit: Int64, _ name: String) -> String? {
    let value = (nanoseconds - 1) / unit + 1
    return value < firstValueWithNineDigits ? "\(value)\(name)" : nil
  }
}
