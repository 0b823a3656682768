package import TernCore

/// What a message that says "compressed" leads to, since no algorithm is supported.
package enum CompressionRules {
  /// What we can decode, as the value of `grpc-accept-encoding`.
  package static let acceptedEncodings = "identity"

  // Spec: W46 (compression: encoding not supported by the server)
  // Spec: W47 (compression: flag without encoding)
  /// On a server; `encoding` is the request's `grpc-encoding`. A status UNIMPLEMENTED goes out
  /// together with ``acceptedEncodings``, see ``ResponseFields``.
  package static func serverStatus(encoding: String?) -> Status {
    guard let encoding, !isIdentity(encoding) else { return flagWithoutEncoding(of: "request") }
    return Status(
      .unimplemented,
      """
      The request is compressed with '\(encoding)', which this server cannot decode. \
      It accepts: \(acceptedEncodings).
      """)
  }

  // Spec: W47 (compression: flag without encoding)
  // Spec: W48 (compression: encoding not supported by the client)
  /// On a client; `encoding` is the response's `grpc-encoding`.
  package static func clientStatus(encoding: String?) -> Status {
    guard let encoding, !isIdentity(encoding) else { return flagWithoutEncoding(of: "response") }
    return Status(
      .internal,
      """
      The response is compressed with '\(encoding)', which this client cannot decode \
      and has not offered to.
      """)
  }

  private static func isIdentity(_ encoding: String) -> Bool {
    encoding.isEmpty || encoding == "identity"
  }

  private static func flagWithoutEncoding(of side: String) -> Status {
    Status(
      .internal,
      "A message says that it is compressed, but the \(side) has no grpc-encoding that says how.")
  }
}
