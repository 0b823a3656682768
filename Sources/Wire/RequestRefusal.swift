package import TernBytes
package import TernCore

/// What is wrong with a request's head, with what the peer sent where that helps.
enum RequestFault {
  case method(String)
  case contentType(String)
  case path(String)
  case repeatedAuthority
  case connectionField(String)
  case timeout(String)
  case binary(String)
}

/// The answer to a request that no handler will see.
package struct RequestRefusal {
  package let httpStatus: Int
  package let status: Status
  /// The whole response, ready to send with END_STREAM.
  package let fields: FieldBlock

  init(_ fault: RequestFault) {
    (httpStatus, status) = Self.answer(to: fault)
    fields = ResponseFields.trailersOnly(status, metadata: [:], httpStatus: httpStatus)
  }

  private static func answer(to fault: RequestFault) -> (Int, Status) {
    switch fault {
    // Spec: W1 (PROTOCOL-HTTP2, Method)
    case .method(let method):
      (405, Status(.internal, "gRPC requests have the method POST; this one has \(method)."))
    // Spec: W8 (PROTOCOL-HTTP2, Content-Type: 415)
    case .contentType(let type):
      (
        415,
        Status(
          .internal, "gRPC requests have the content-type 'application/grpc'; this one has \(type)."
        )
      )
    // Spec: W3 (PROTOCOL-HTTP2, Path: the slash is mandatory)
    case .path(let path):
      (404, Status(.unimplemented, "The path must be '/service/method'; this one is \(path)."))
    // Spec: W4 (A41: duplicates of :authority or Host)
    case .repeatedAuthority:
      (400, Status(.internal, "The request has more than one authority or host."))
    // Spec: W9 (RFC 9113, 8.2.2; the HTTP/2 library refuses these before us)
    case .connectionField(let name):
      (400, Status(.internal, "The field \(name) has no place in HTTP/2."))
    // Spec: W16 (grpc-go: malformed grpc-timeout)
    case .timeout(let text):
      (
        400,
        Status(
          .internal,
          "Malformed grpc-timeout \(text): it takes one to eight digits and a unit, HMSmun.")
      )
    // Spec: W25 (PROTOCOL-HTTP2, Binary-Header: what is not base64)
    case .binary(let name):
      (400, Status(.internal, "The value of the metadata \(name) is not base64."))
    }
  }
}
