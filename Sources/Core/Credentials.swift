/// How a server proves who it is, and what it asks of its clients.
///
/// Always named, never a default: there is no silent plaintext.
public struct ServerCredentials: Sendable {
  /// Plaintext: anybody on the way can read and change everything.
  public static let insecure = ServerCredentials()
}

/// How a channel proves who it is, and whom it trusts.
///
/// Always named, never a default: there is no silent plaintext.
public struct ChannelCredentials: Sendable {
  /// Plaintext: anybody on the way can read and change everything.
  public static let insecure = ChannelCredentials()
}
