package import TernBytes

/// Finds messages in the bytes of one HTTP/2 stream.
///
/// Keeps nothing: whoever holds the bytes asks again when more have come. DATA frames may split a
/// message anywhere, and hold several.
///
/// Source: gRPC over HTTP/2, "Length-Prefixed-Message"
/// <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>
package enum MessageDeframer {
  package enum Peek: Equatable {
    /// Wait. `neededBytes` is the length of the whole message with its prefix, as soon as the
    /// prefix is here, and until then that of a prefix.
    case incomplete(neededBytes: Int)
    /// A whole message; its payload lies behind the prefix.
    case whole(payloadBytes: Int, isCompressed: Bool)
    /// The stream cannot go on.
    case refused(FramingError)
  }

  // Spec: W33 (PROTOCOL-HTTP2, Length-Prefixed-Message)
  // Spec: W34 (PROTOCOL-HTTP2: a message of length zero is a message)
  // Spec: W35 (PROTOCOL-HTTP2, Compressed-Flag)
  // Spec: W36 (statuscodes: larger than the limit)
  /// Looks at the message whose prefix begins at `offset`, counted from the first readable byte.
  ///
  /// An oversized message is refused from its prefix alone: it is never waited for.
  package static func peek(
    _ buffer: ByteBuffer, at offset: Int, maxPayloadBytes: Int
  ) -> Peek {
    let availableBytes = buffer.count - offset
    guard availableBytes >= MessageFramer.prefixBytes else {
      return .incomplete(neededBytes: MessageFramer.prefixBytes)
    }
    let flag = buffer.byte(at: offset)
    guard flag <= 1 else { return .refused(.unknownFlag(flag)) }
    let payloadBytes = Int(buffer.bigEndian(at: offset + 1))
    guard payloadBytes <= maxPayloadBytes else {
      return .refused(
        .messageTooLarge(announcedBytes: payloadBytes, limitBytes: maxPayloadBytes))
    }
    let wholeBytes = MessageFramer.prefixBytes + payloadBytes
    guard availableBytes >= wholeBytes else { return .incomplete(neededBytes: wholeBytes) }
    return .whole(payloadBytes: payloadBytes, isCompressed: flag == 1)
  }
}
