/// The coding in which `grpc-message` travels: printable ASCII stays, all else is `%XX`.
///
/// Source: gRPC over HTTP/2, "Percent-Encoded"
/// <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>
package enum PercentCoding {
  // Spec: W57 (PROTOCOL-HTTP2, Status-Message)
  /// Adds the encoded text at the end of `buffer`.
  ///
  /// - Parameter maxBytes: the encoded form is cut before the first character that would make it
  ///   longer, so neither an escape nor a character is cut in two.
  /// - Returns: whether all of it went in.
  @discardableResult
  package static func encode(
    _ text: String, into buffer: ByteBuffer, maxBytes: Int = .max
  ) -> Bool {
    var room = maxBytes
    for scalar in text.unicodeScalars {
      guard let bytes = UTF8.encode(scalar) else { continue }
      let isPlain = scalar.isASCII && isPlain(UInt8(truncatingIfNeeded: scalar.value))
      let length = isPlain ? 1 : bytes.count * 3
      guard length <= room else { return false }
      room -= length
      for byte in bytes { append(byte, to: buffer) }
    }
    return true
  }

  /// The part of a text that `encode` would add within `maxBytes`.
  package static func prefix(of text: String, maxBytes: Int) -> String {
    // Nothing becomes longer than three bytes a byte.
    if text.utf8.count <= maxBytes / 3 { return text }
    let buffer = ByteBuffer()
    if encode(text, into: buffer, maxBytes: maxBytes) { return text }
    return unsafe decode(buffer.readable)
  }

  private static func append(_ byte: UInt8, to buffer: ByteBuffer) {
    if isPlain(byte) { return buffer.append(byte: byte) }
    buffer.append(byte: UInt8(ascii: "%"))
    buffer.append(byte: digit(byte >> 4))
    buffer.append(byte: digit(byte & 15))
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "%")
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + (value - 10)
  }

  /// Never fails: a broken escape stays as it is, and what is not UTF-8 is repaired.
  package static func decode(_ bytes: UnsafeRawBufferPointer) -> String {
    let escape = UInt8(ascii: "%")
    guard unsafe bytes.contains(escape) else {
      return unsafe String(decoding: bytes, as: UTF8.self)
    }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let byte = unsafe bytes[index]
      if byte == escape, index + 2 < bytes.count,
        let high = unsafe value(bytes[index + 1]), let low = unsafe value(bytes[index + 2])
      {
        decoded.append(high << 4 | low)
        index += 3
      } else {
        decoded.append(byte)
        index += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
