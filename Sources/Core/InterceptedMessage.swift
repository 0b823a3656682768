/// A message that passes, as interceptors see it.
public struct InterceptedMessage {
  /// The message, of the type that the method has: `message.value as? Greet_HelloRequest`.
  public let value: Any
  /// Its length when encoded, before compression.
  public let byteCount: Int

  package init(_ value: Any, byteCount: Int) {
    self.value = value
    self.byteCount = byteCount
  }
}

/// Sees each message of one side of a call. It runs where the message is read or written, on
/// whatever thread that is, one message after the other. What it throws is thrown to whoever reads
/// or writes the message, which is then neither delivered nor sent.
public typealias MessageObserver = @Sendable (InterceptedMessage) throws -> Void
