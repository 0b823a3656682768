/// Why a call failed: a status that is not OK, and what is known about its origin.
///
/// A handler throws one to choose the status of its call; a client's call throws one when it
/// failed.
///
/// ```swift
/// throw RPCError(.notFound, "There is no user \(id).")
/// ```
public struct RPCError: Error, Sendable {
  /// Who began it.
  public enum Origin: Sendable, Hashable {
    /// The other side sent this status, or broke the protocol.
    case peer
    /// This library: a limit, a lost connection, a deadline.
    case library
    /// The program that uses this library.
    case caller
  }

  public var code: StatusCode
  /// For people. It travels to the other side: keep secrets out of it.
  public var message: String
  /// Trailing metadata that goes, or came, with the status.
  public var metadata: Metadata
  /// What the server had sent ahead, if this is the error of a call that was made here; it travels no
  /// further.
  public var initialMetadata: Metadata = [:]
  /// An encoded `google.rpc.Status`; empty if there is none.
  public var detailsBytes: [UInt8]
  /// What led to it, on this side only: it never travels.
  public var cause: (any Error)?
  public var origin: Origin

  public init(
    _ code: StatusCode, _ message: String = "", metadata: Metadata = [:],
    detailsBytes: [UInt8] = [], cause: (any Error)? = nil, origin: Origin = .caller
  ) {
    self.code = code
    self.message = message
    self.metadata = metadata
    self.detailsBytes = detailsBytes
    self.cause = cause
    self.origin = origin
  }

  /// - Returns: `nil` if the status is OK.
  public init?(_ status: Status, metadata: Metadata = [:], origin: Origin = .peer) {
    if status.isOK { return nil }
    self.init(
      status.code, status.message, metadata: metadata, detailsBytes: status.detailsBytes,
      origin: origin)
  }

  public var status: Status { Status(code, message, detailsBytes: detailsBytes) }
}

extension RPCError: CustomStringConvertible {
  public var description: String {
    let cause = cause.map { " (cause: \($0))" } ?? ""
    return "\(status)\(cause)"
  }
}
