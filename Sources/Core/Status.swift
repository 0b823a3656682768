/// How a call ended: a code, a text for people, and details for programs.
public struct Status: Hashable, Sendable {
  public var code: StatusCode
  /// For people. Any Unicode text; it travels percent-coded.
  public var message: String
  /// An encoded `google.rpc.Status`, as it travels in `grpc-status-details-bin`; empty if there
  /// is none.
  public var detailsBytes: [UInt8]

  public init(_ code: StatusCode, _ message: String = "", detailsBytes: [UInt8] = []) {
    self.code = code
    self.message = message
    self.detailsBytes = detailsBytes
  }

  public static let ok = Status(.ok)

  public var isOK: Bool { code == .ok }
}

extension Status: CustomStringConvertible {
  public var description: String { message.isEmpty ? "\(code)" : "\(code): \(message)" }
}
