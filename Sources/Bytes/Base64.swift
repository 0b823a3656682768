/// Base64 with the standard alphabet, as binary metadata travels.
///
/// Writes no padding and reads both forms, padded and unpadded.
///
/// Source: RFC 4648, section 4 <https://www.rfc-editor.org/rfc/rfc4648#section-4>
package enum Base64 {
  // MARK: Encoding

  /// How long `count` bytes become.
  package static func encodedCount(_ count: Int) -> Int { (count * 4 + 2) / 3 }

  /// Adds the encoded form at the end of `buffer`, which must not be where `bytes` lie.
  package static func encode(_ bytes: UnsafeRawBufferPointer, into buffer: ByteBuffer) {
    guard bytes.count > 0 else { return }
    let place = unsafe buffer.reserve(encodedCount(bytes.count))
    var from = 0
    var to = 0
    while from + 3 <= bytes.count {
      let first = unsafe UInt32(bytes[from]) << 16
      let second = unsafe UInt32(bytes[from + 1]) << 8
      let group = unsafe first | second | UInt32(bytes[from + 2])
      unsafe place[to] = symbol(group >> 18)
      unsafe place[to + 1] = symbol(group >> 12)
      unsafe place[to + 2] = symbol(group >> 6)
      unsafe place[to + 3] = symbol(group)
      from += 3
      to += 4
    }
    guard from < bytes.count else { return }
    let hasTwo = from + 2 == bytes.count
    let second = unsafe hasTwo ? UInt32(bytes[from + 1]) << 8 : 0
    let group = unsafe UInt32(bytes[from]) << 16 | second
    unsafe place[to] = symbol(group >> 18)
    unsafe place[to + 1] = symbol(group >> 12)
    if hasTwo { unsafe place[to + 2] = symbol(group >> 6) }
  }

  /// The symbol of the lowest six bits.
  private static func symbol(_ bits: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: bits & 63)
    return switch value {
    case 0..<26: UInt8(ascii: "A") + value
    case 26..<52: UInt8(ascii: "a") + (value - 26)
    case 52..<62: UInt8(ascii: "0") + (value - 52)
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }

  // MARK: Decoding

  /// - Returns: `nil` for what is not base64: a foreign symbol, blanks included, padding in the
  ///   wrong place, or a length that no bytes have.
  package static func decode(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
    guard let count = unsafe symbolCount(of: bytes) else { return nil }
    var isGood = true
    let decodedCount = count * 3 / 4
    let decoded = unsafe [UInt8](unsafeUninitializedCapacity: decodedCount) { memory, filled in
      isGood = unsafe decode(bytes, count, into: UnsafeMutableRawBufferPointer(memory))
      filled = isGood ? decodedCount : 0
    }
    return isGood ? decoded : nil
  }

  /// Adds the decoded bytes at the end of `buffer`, which must not be where `bytes` lie.
  ///
  /// - Returns: `false` for what is not base64; the buffer is then as it was.
  package static func decode(_ bytes: UnsafeRawBufferPointer, into buffer: ByteBuffer) -> Bool {
    guard let count = unsafe symbolCount(of: bytes) else { return false }
    let before = buffer.count
    let isGood = unsafe decode(bytes, count, into: buffer.reserve(count * 3 / 4))
    if !isGood { buffer.truncate(to: before) }
    return isGood
  }

  /// Whether ``decode(_:)`` would succeed; takes no memory.
  package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let count = unsafe symbolCount(of: bytes) else { return false }
    for index in 0..<count where unsafe value(bytes[index]) == nil { return false }
    return true
  }

  /// How many symbols stand before the padding; `nil` if the length is one that no bytes have.
  private static func symbolCount(of bytes: UnsafeRawBufferPointer) -> Int? {
    var count = bytes.count
    // Padding is there only to fill the last group of four.
    if count > 0, count % 4 == 0 {
      if unsafe bytes[count - 1] == UInt8(ascii: "=") { count -= 1 }
      if unsafe bytes[count - 1] == UInt8(ascii: "="), count % 4 == 3 { count -= 1 }
    }
    return count % 4 == 1 ? nil : count
  }

  private static func decode(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, into place: UnsafeMutableRawBufferPointer
  ) -> Bool {
    var bits: UInt32 = 0
    var bitCount = 0
    var to = 0
    for index in 0..<count {
      guard let value = unsafe value(bytes[index]) else { return false }
      bits = bits << 6 | UInt32(value)
      bitCount += 6
      guard bitCount >= 8 else { continue }
      bitCount -= 8
      unsafe place[to] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
      to += 1
    }
    return true
  }

  private static func value(_ symbol: UInt8) -> UInt8? {
    switch symbol {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): symbol - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): symbol - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): symbol - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
