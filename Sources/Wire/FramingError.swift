package import TernCore

/// What can be wrong with a message before anybody looks into it.
package enum FramingError: Error, Equatable {
  /// Known from the prefix alone.
  case messageTooLarge(announcedBytes: Int, limitBytes: Int)
  /// Ours to send, and longer than the limit or than a prefix can say.
  case messageTooLargeToSend(bytes: Int, limitBytes: Int)
  /// The first byte of the prefix is neither 0 nor 1.
  case unknownFlag(UInt8)

  // Spec: W35 (PROTOCOL-HTTP2, Compressed-Flag)
  // Spec: W36 (statuscodes: larger than the limit)
  /// How the call fails.
  package var status: Status {
    switch self {
    case .messageTooLarge(let announcedBytes, let limitBytes):
      Status(
        .resourceExhausted,
        """
        A message of \(announcedBytes) bytes was announced; the limit is \(limitBytes) bytes. \
        Send smaller messages, or raise the receiver's limit: maxRequestMessageBytes of the \
        server, maxResponseMessageBytes of the client.
        """)
    case .messageTooLargeToSend(let bytes, let limitBytes):
      Status(
        .resourceExhausted,
        """
        A message to send has \(bytes) bytes; the limit is \(limitBytes) bytes. \
        Send smaller messages, or raise the sender's limit.
        """)
    case .unknownFlag(let flag):
      Status(
        .internal,
        """
        A message begins with the flag \(flag); only 0 and 1 are allowed. \
        What was sent is probably not gRPC.
        """)
    }
  }
}
