package import TernCore

/// Statuses of calls whose server said none.
///
/// Sources: <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>;
/// gRPC over HTTP/2, "Errors".
package enum StatusMapping {
  // Spec: W68 (http-grpc-status-mapping)
  /// Only for responses without `grpc-status`.
  package static func code(forHTTPStatus httpStatus: Int) -> StatusCode {
    switch httpStatus {
    case 400: .internal
    case 401: .unauthenticated
    case 403: .permissionDenied
    case 404: .unimplemented
    case 429, 502, 503, 504: .unavailable
    default: .unknown
    }
  }

  // Spec: W69 (PROTOCOL-HTTP2, Errors)
  // Spec: W70 (PROTOCOL-HTTP2, Errors: REFUSED_STREAM, CANCEL)
  // Spec: W71 (PROTOCOL-HTTP2, Errors: ENHANCE_YOUR_CALM and others)
  /// For a stream that the server reset before a status came.
  ///
  /// - Parameter isDeadlinePast: whether the call's own deadline has passed: then CANCEL is the
  ///   server's way to say so.
  package static func status(forResetCode code: UInt32, isDeadlinePast: Bool) -> Status {
    let name = errorName(code)
    return switch code {
    case 7:
      Status(.unavailable, "The server refused the stream before it looked at it (\(name)).")
    case 8 where isDeadlinePast:
      Status(.deadlineExceeded, "The deadline passed; the server gave the call up (\(name)).")
    case 8:
      Status(.cancelled, "The server gave the call up (\(name)).")
    case 11:
      Status(.resourceExhausted, "Bandwidth exhausted: the server asks for calm (\(name)).")
    case 12:
      Status(.permissionDenied, "The server wants a safer connection (\(name)).")
    case 0...6, 9, 10, 13:
      Status(.internal, "The server reset the stream before a status came (\(name)).")
    default:
      Status(.unknown, "The server reset the stream before a status came (\(name)).")
    }
  }

  /// For a call that a server which goes away has not taken: safe to try elsewhere.
  package static func status(forGoAwayCode code: UInt32, debugText: String = "") -> Status {
    let text = debugText.isEmpty ? "" : ": \(debugText)"
    return Status(
      .unavailable, "The server goes away and has not taken the call (\(errorName(code))\(text)).")
  }

  // Spec: W74 (statuscodes: what a library never says by itself)
  // Spec: W76 (A54: control plane statuses)
  /// Whether a status means something that only the application on the other side can know.
  package static func isForApplicationsOnly(_ code: StatusCode) -> Bool {
    switch code {
    case .ok, .invalidArgument, .notFound, .alreadyExists, .failedPrecondition, .aborted,
      .outOfRange, .dataLoss:
      true
    default: false
    }
  }

  /// What people call an HTTP/2 error code, with the number.
  package static func errorName(_ code: UInt32) -> String {
    let name: String? =
      switch code {
      case 0: "NO_ERROR"
      case 1: "PROTOCOL_ERROR"
      case 2: "INTERNAL_ERROR"
      case 3: "FLOW_CONTROL_ERROR"
      case 4: "SETTINGS_TIMEOUT"
      case 5: "STREAM_CLOSED"
      case 6: "FRAME_SIZE_ERROR"
      case 7: "REFUSED_STREAM"
      case 8: "CANCEL"
      case 9: "COMPRESSION_ERROR"
      case 10: "CONNECT_ERROR"
      case 11: "ENHANCE_YOUR_CALM"
      case 12: "INADEQUATE_SECURITY"
      case 13: "HTTP_1_1_REQUIRED"
      default: nil
      }
    return name.map { "HTTP/2 error \(code), \($0)" } ?? "HTTP/2 error \(code)"
  }
}
