/// How a channel proves who it is, and whom it trusts.
///
/// Always named, never a default: there is no silent plaintext.
///
/// ```swift
/// .tls()                                                       // what the machine trusts
/// .tls(roots: .file("our-ca.crt"))
/// .tls(roots: .file("our-ca.crt"),
///      certificateChain: .file("client.crt"), privateKey: .file("client.key"))
/// ```
public struct ChannelCredentials: Sendable {
  package var tls: ChannelTLS?
  package var callCredentials: CallCredentials?

  /// Plaintext: anybody on the way can read and change everything.
  public static let insecure = ChannelCredentials()

  /// TLS. Without a certificate, the client proves nothing.
  public static func tls(
    roots: TrustRoots = .system, serverName: String? = nil, policy: TLSPolicy = TLSPolicy()
  ) -> ChannelCredentials {
    .tls(ChannelTLS(roots: roots, serverName: serverName, policy: policy))
  }

  /// Mutual TLS: the client shows its certificate to servers that ask for one.
  public static func tls(
    roots: TrustRoots = .system, certificateChain: CertificateSource, privateKey: PrivateKeySource,
    serverName: String? = nil, policy: TLSPolicy = TLSPolicy()
  ) -> ChannelCredentials {
    let identity = TLSIdentity(certificateChain: certificateChain, privateKey: privateKey)
    return .tls(
      ChannelTLS(roots: roots, identity: identity, serverName: serverName, policy: policy))
  }

  /// All there is to choose.
  public static func tls(_ tls: ChannelTLS) -> ChannelCredentials { ChannelCredentials(tls: tls) }

  /// The same, with metadata for each call. What was added before stays.
  public func adding(_ callCredentials: CallCredentials) -> ChannelCredentials {
    var credentials = self
    credentials.callCredentials =
      self.callCredentials.map { $0.adding(callCredentials) } ?? callCredentials
    return credentials
  }
}

/// How a channel speaks TLS.
public struct ChannelTLS: Sendable {
  /// Whom to believe.
  public var roots: TrustRoots
  /// What the client shows to servers that ask for a certificate.
  public var identity: TLSIdentity?
  /// The host that the server's certificate must name, and that the server is told; `nil` (the
  /// default): the target's. For servers that are reached by another name than their own.
  public var serverName: String?
  public var policy: TLSPolicy

  public init(
    roots: TrustRoots = .system, identity: TLSIdentity? = nil, serverName: String? = nil,
    policy: TLSPolicy = TLSPolicy()
  ) {
    self.roots = roots
    self.identity = identity
    self.serverName = serverName
    self.policy = policy
  }
}
