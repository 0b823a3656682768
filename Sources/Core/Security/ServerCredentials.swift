/// A certificate and its key.
public struct TLSIdentity: Sendable {
  /// The own certificate first, then those that lead to a root.
  public var certificateChain: CertificateSource
  public var privateKey: PrivateKeySource

  public init(certificateChain: CertificateSource, privateKey: PrivateKeySource) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
  }
}

/// How a server proves who it is, and what it asks of its clients.
///
/// Always named, never a default: there is no silent plaintext.
///
/// ```swift
/// .tls(certificateChain: .file("server.crt"), privateKey: .file("server.key"))
/// ```
public struct ServerCredentials: Sendable {
  package let tls: ServerTLS?

  /// Plaintext: anybody on the way can read and change everything.
  public static let insecure = ServerCredentials(tls: nil)

  /// TLS with one certificate. Clients prove nothing.
  public static func tls(
    certificateChain: CertificateSource, privateKey: PrivateKeySource,
    policy: TLSPolicy = TLSPolicy()
  ) -> ServerCredentials {
    let identity = TLSIdentity(certificateChain: certificateChain, privateKey: privateKey)
    return .tls(ServerTLS(identities: [identity], policy: policy))
  }

  /// Mutual TLS: clients must have a certificate that leads to one of `clientRoots`.
  public static func mutualTLS(
    certificateChain: CertificateSource, privateKey: PrivateKeySource, clientRoots: TrustRoots,
    policy: TLSPolicy = TLSPolicy()
  ) -> ServerCredentials {
    let identity = TLSIdentity(certificateChain: certificateChain, privateKey: privateKey)
    return .tls(
      ServerTLS(
        identities: [identity], clientCertificates: .require, clientRoots: clientRoots,
        policy: policy))
  }

  /// All there is to choose.
  public static func tls(_ tls: ServerTLS) -> ServerCredentials { ServerCredentials(tls: tls) }
}

/// How a server speaks TLS.
public struct ServerTLS: Sendable {
  /// The first serves clients that ask for no host, or for one that none of these certificates
  /// names; each of the others serves the hosts that its certificate names.
  public var identities: [TLSIdentity]
  /// Whether clients must show who they are.
  public var clientCertificates: ClientCertificates
  /// Whose certificates of clients to believe. Must be set to ask for one: which authorities make
  /// clients is no common knowledge.
  public var clientRoots: TrustRoots?
  public var policy: TLSPolicy

  public init(
    identities: [TLSIdentity], clientCertificates: ClientCertificates = .none,
    clientRoots: TrustRoots? = nil, policy: TLSPolicy = TLSPolicy()
  ) {
    self.identities = identities
    self.clientCertificates = clientCertificates
    self.clientRoots = clientRoots
    self.policy = policy
  }

  /// What a server asks of clients.
  public enum ClientCertificates: Sendable, Hashable {
    /// Nothing.
    case none
    /// Show a certificate if you have one. One that is not to be believed is refused.
    case request
    /// No certificate, no connection.
    case require
  }
}
