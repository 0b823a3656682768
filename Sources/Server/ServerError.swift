/// Why a server could not start.
public struct ServerError: Error, Sendable {
  /// What was wrong with what, and the way out.
  public let message: String
  /// What led to it.
  public let cause: (any Error)?

  init(_ message: String, cause: (any Error)? = nil) {
    self.message = message
    self.cause = cause
  }
}

extension ServerError: CustomStringConvertible {
  public var description: String { message }
}
