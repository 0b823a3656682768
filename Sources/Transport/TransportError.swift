package import TernEventLoop
package import TernTLS

/// Why a transport cannot go on.
package enum TransportError: Error, CustomStringConvertible {
  case system(SystemError)
  case tls(TLSFailure)
  /// The peer ended the connection without TLS's end: whether by accident or by somebody on the
  /// way cannot be told.
  case cutOff

  package var description: String {
    switch self {
    case .system(let error): "\(error)"
    case .tls(let failure): "\(failure)"
    case .cutOff: "the peer closed the connection without TLS's close_notify"
    }
  }
}
