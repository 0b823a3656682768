package import TernCore

/// Who may compress with what, and what becomes of a message that cannot be decoded.
package enum CompressionRules {
  // Spec: W46 (compression: encoding not supported by the server)
  // Spec: W47 (compression: flag without encoding)
  /// The status of a compressed message that a server cannot decode.
  ///
  /// UNIMPLEMENTED goes out together with `grpc-accept-encoding`, see ``ResponseFields``.
  ///
  /// - Parameters:
  ///   - encoding: the request's `grpc-encoding`
  ///   - acceptedEncodings: what the server's registry has, see ``CompressionRegistry``
  package static func serverStatus(encoding: String?, acceptedEncodings: String) -> Status {
    guard let encoding, !isIdentity(encoding) else { return flagWithoutEncoding(of: "request") }
    return Status(
      .unimplemented,
      """
      The request is compressed with '\(quotable(encoding))', which this server cannot decode. \
      It accepts: \(acceptedEncodings).
      """)
  }

  // Spec: W47 (compression: flag without encoding)
  // Spec: W48 (compression: encoding not supported by the client)
  /// The same on a client; `encoding` is the response's `grpc-encoding`.
  package static func clientStatus(encoding: String?) -> Status {
    guard let encoding, !isIdentity(encoding) else { return flagWithoutEncoding(of: "response") }
    return Status(
      .internal,
      """
      The response is compressed with '\(quotable(encoding))', which this client cannot decode \
      and has not offered to.
      """)
  }

  // Spec: W53 (compression: an algorithm that is not known here)
  /// The status of a call that was asked to use an algorithm that is not registered.
  package static func unregisteredStatus(_ algorithm: CompressionAlgorithm) -> Status {
    Status(
      .internal,
      """
      The call is to be compressed with '\(algorithm.name)', which is not among the channel's \
      algorithms. Add it to acceptedCompression of ChannelOptions.
      """)
  }

  private static func isIdentity(_ encoding: String) -> Bool {
    encoding.isEmpty || encoding == "identity"
  }

  /// Cut, because the text travels back.
  private static func quotable(_ encoding: String) -> String {
    encoding.count > 100 ? "\(encoding.prefix(100))…" : encoding
  }

  private static func flagWithoutEncoding(of side: String) -> Status {
    Status(
      .internal,
      "A message says that it is compressed, but the \(side) has no grpc-encoding that says how.")
  }
}
