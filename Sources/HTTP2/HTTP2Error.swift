internal import CNghttp2

/// Why an HTTP/2 session cannot go on.
package struct HTTP2Error: Error, Equatable {
  /// nghttp2's code, e.g. -903 for bytes that are not HTTP/2.
  package let code: Int32
  /// What failed, e.g. `nghttp2_session_mem_recv`.
  package let function: String
  /// What nghttp2 said beyond the code; empty if it said nothing.
  package let details: String

  init(code: Int32, function: String, details: String = "") {
    self.code = code
    self.function = function
    self.details = details
  }

  /// Whether the peer's first bytes were not HTTP/2's preface.
  package var isWrongPreface: Bool { code == NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue }
}

extension HTTP2Error {
  /// The code that tells the peer about it.
  var goAwayCode: UInt32 {
    switch code {
    // Spec: W31 (a header block without end: ENHANCE_YOUR_CALM)
    case NGHTTP2_ERR_FLOODED.rawValue, Self.tooManyContinuations: ErrorCode.enhanceYourCalm
    case NGHTTP2_ERR_NOMEM.rawValue: ErrorCode.internalError
    default: ErrorCode.protocolError
    }
  }

  /// A number, because nghttp2 1.52 to 1.60 have no name for it, unless a distribution has mended them.
  private static let tooManyContinuations: Int32 = -905
}

extension HTTP2Error: CustomStringConvertible {
  package var description: String {
    let reason = unsafe String(cString: nghttp2_strerror(code))
    return details.isEmpty ? "\(reason) (\(function))" : "\(reason): \(details) (\(function))"
  }
}

/// Turns nghttp2's "0, or a negative code" into an error.
func check(_ function: String, _ call: () -> Int32) throws(HTTP2Error) {
  let code = call()
  if code < 0 { throw HTTP2Error(code: code, function: function) }
}

/// Why a stream or a connection was ended, by HTTP/2's numbers.
///
/// Source: RFC 9113, section 7
package enum ErrorCode {
  package static let noError: UInt32 = 0x0
  package static let protocolError: UInt32 = 0x1
  package static let internalError: UInt32 = 0x2
  package static let flowControlError: UInt32 = 0x3
  package static let refusedStream: UInt32 = 0x7
  package static let cancel: UInt32 = 0x8
  package static let enhanceYourCalm: UInt32 = 0xB
}
