/// What became of a call, as a number that all gRPC libraries share.
///
/// A struct and not an enum: a peer may send a number that has no name yet.
///
/// Source: <https://grpc.io/docs/guides/status-codes/>
public struct StatusCode: RawRepresentable, Hashable, Sendable {
  public let rawValue: Int

  /// - Returns: `nil` unless `rawValue` is one of the 17 codes, 0 to 16.
  public init?(rawValue: Int) {
    guard (0..<Self.names.count).contains(rawValue) else { return nil }
    self.rawValue = rawValue
  }

  private init(_ rawValue: Int) { self.rawValue = rawValue }

  /// The call succeeded.
  public static let ok = StatusCode(0)
  /// Somebody gave the call up, usually the caller.
  public static let cancelled = StatusCode(1)
  /// An error without a better code: an unknown kind of error of the handler, or of another system.
  public static let unknown = StatusCode(2)
  /// The request makes no sense, whatever the state of the service.
  public static let invalidArgument = StatusCode(3)
  /// The deadline passed before the call ended.
  public static let deadlineExceeded = StatusCode(4)
  /// What was asked for does not exist.
  public static let notFound = StatusCode(5)
  /// What should be made exists already.
  public static let alreadyExists = StatusCode(6)
  /// The caller is known and may not do this.
  public static let permissionDenied = StatusCode(7)
  /// A quota, a limit or space is used up.
  public static let resourceExhausted = StatusCode(8)
  /// The service is not in the state that the call needs; trying again will not help.
  public static let failedPrecondition = StatusCode(9)
  /// The call lost against another one; try the whole sequence again.
  public static let aborted = StatusCode(10)
  /// Past the end of what exists.
  public static let outOfRange = StatusCode(11)
  /// The server has no such method.
  public static let unimplemented = StatusCode(12)
  /// Something that must not happen did: a broken promise between the two sides.
  public static let `internal` = StatusCode(13)
  /// The service cannot be reached now; trying again later may help.
  public static let unavailable = StatusCode(14)
  /// Data was lost for good.
  public static let dataLoss = StatusCode(15)
  /// It is not known who calls.
  public static let unauthenticated = StatusCode(16)

  private static let names = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
  ]
}

extension StatusCode: CaseIterable {
  public static var allCases: [StatusCode] { names.indices.map { StatusCode($0) } }
}

extension StatusCode: CustomStringConvertible {
  /// The name as the protocol spells it, e.g. `NOT_FOUND`.
  public var description: String { Self.names[rawValue] }
}
