internal import COpenSSL

/// What OpenSSL said went wrong.
///
/// It keeps errors in a queue per thread. Whoever calls it empties the queue before, so that an old
/// error is not taken for a new one, and reads it after.
enum OpenSSLError {
  static func clear() { ERR_clear_error() }

  /// The first error of the queue, which caused the others; the queue is empty after this.
  static func take() -> (reason: Int, text: String) {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0 else { return (0, "no reason given") }
    // The lower 23 bits: `ERR_GET_REASON`, a macro.
    let reason = Int(code & 0x7F_FFFF)
    if let text = unsafe ERR_reason_error_string(code) {
      return (reason, unsafe String(cString: text))
    }
    return (reason, "error \(code)")
  }
}

/// Why TLS cannot be set up as wanted: what is wrong with which file, and the way out.
package struct TLSConfigurationError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// Why a TLS connection cannot go on.
package struct TLSFailure: Error, CustomStringConvertible {
  /// What was expected, what was seen, and what to do.
  package let explanation: String
  /// OpenSSL's own words.
  package let reason: String

  package var description: String {
    reason.isEmpty ? explanation : "\(explanation) (OpenSSL: \(reason))"
  }
}
