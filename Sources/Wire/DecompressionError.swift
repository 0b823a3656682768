package import TernCore

/// Why a compressed message is no message.
package enum DecompressionError: Error, Equatable {
  case tooLarge(limitBytes: Int)
  /// Of this side, for zlib's state.
  case noMemory
  /// Completes the sentence "its bytes are damaged: …".
  case damaged(String)

  // Spec: W39 (decompressed size: the limit of messages)
  // Spec: W49 (compression: what cannot be decompressed)
  /// How the call fails.
  package func status(compressedBytes: Int, encoding: String) -> Status {
    switch self {
    case .tooLarge(let limitBytes):
      Status(
        .resourceExhausted,
        """
        A message of \(compressedBytes) bytes, compressed with '\(encoding)', has more than \
        \(limitBytes) bytes when decompressed, which is the limit. Send smaller messages, or raise \
        the receiver's limit: maxRequestMessageBytes of the server, maxResponseMessageBytes of the \
        client.
        """)
    // Spec: W75 (who generates which status: out of memory)
    case .noMemory:
      Status(
        .resourceExhausted,
        """
        A message of \(compressedBytes) bytes cannot be decompressed with '\(encoding)': the receiver \
        has no memory left for it. Try again later.
        """)
    case .damaged(let reason):
      Status(
        .internal,
        """
        A message cannot be decompressed with '\(encoding)': its \(compressedBytes) bytes are \
        damaged: \(reason).
        """)
    }
  }
}
