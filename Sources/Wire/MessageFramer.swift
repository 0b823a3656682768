package import TernBytes

/// Puts the five-byte prefix before a message: a compressed flag (1 byte) and the payload's
/// length (4 bytes, big-endian).
///
/// The message is encoded straight behind an empty prefix, which is filled in afterwards; so it is
/// copied nowhere.
///
/// Source: gRPC over HTTP/2, "Length-Prefixed-Message"
/// <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>
package enum MessageFramer {
  // Spec: W33 (PROTOCOL-HTTP2, Length-Prefixed-Message)
  package static let prefixBytes = 5

  /// Adds an empty prefix. The payload is to be appended behind it.
  ///
  /// - Returns: Where the prefix lies, counted from the first readable byte.
  package static func begin(in buffer: ByteBuffer) -> Int {
    let offset = buffer.count
    buffer.append(utf8: "\0\0\0\0\0")
    return offset
  }

  // Spec: W37 (send limits: refused here, before anything is sent)
  /// Fills in the prefix at `offset`: all that stands behind it is the payload.
  ///
  /// - Throws: If the payload is longer than `maxPayloadBytes`, or than four bytes can say. The
  ///   message and its prefix are then cut off again.
  package static func end(
    in buffer: ByteBuffer, at offset: Int, isCompressed: Bool, maxPayloadBytes: Int = .max
  ) throws(FramingError) {
    let payloadBytes = buffer.count - offset - prefixBytes
    let limitBytes = min(maxPayloadBytes, Int(UInt32.max))
    guard payloadBytes <= limitBytes else {
      buffer.truncate(to: offset)
      throw .messageTooLargeToSend(bytes: payloadBytes, limitBytes: limitBytes)
    }
    if isCompressed { buffer.overwrite(1, at: offset) }
    buffer.overwrite(bigEndian: UInt32(payloadBytes), at: offset + 1)
  }
}
