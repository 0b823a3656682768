/// A version of the TLS protocol. Older ones than these are never spoken.
public enum TLSVersion: Sendable, Hashable {
  case v1_2
  case v1_3
}

/// What both sides of TLS may want to be different. The defaults suit nearly everybody.
public struct TLSPolicy: Sendable {
  /// TLS 1.2. With `.v1_3`, peers that only know 1.2 are refused.
  public var minimumVersion: TLSVersion = .v1_2
  /// The cipher suites, best first, under OpenSSL's names, for both versions. `nil` (the default):
  /// all of TLS 1.3, and for TLS 1.2 those with forward secrecy and authenticated encryption.
  /// Others are refused: HTTP/2 forbids them.
  public var cipherSuites: [String]?
  /// The groups for key exchange, best first, under OpenSSL's names.
  public var groups = ["X25519", "P-256"]
  /// Looks at a peer whose certificates were verified, and may still refuse it. Runs on an event
  /// loop during the handshake and must not block. Not asked when an earlier session is resumed.
  public var verifyPeer: (@Sendable (PeerCertificates) -> PeerVerdict)?
  /// How often files are looked at, to use renewed certificates without a restart. Connections that
  /// exist go on with what they have. `nil`: only when asked. 5 s.
  public var reloadInterval: Duration? = .seconds(5)
  /// Where to write the keys of connections, with which anybody can decrypt them. Off.
  public var keyLog: KeyLog = .off

  public init() {}

  /// Whether keys are written to a file, for programs that decrypt a recorded connection.
  public enum KeyLog: Sendable, Hashable {
    case off
    /// The file that the environment names in `SSLKEYLOGFILE`; none if it names none.
    case environment
    case file(String)
  }
}

/// The certificates that a peer has shown, its own first.
public struct PeerCertificates: Sendable {
  public let own: PeerCertificate
  /// The chain that was verified, DER, the peer's own first, up to the root.
  public let chain: [[UInt8]]
  /// The host that the peer is expected to be; `nil` for a client.
  public let expectedHost: String?

  package init(own: PeerCertificate, chain: [[UInt8]], expectedHost: String?) {
    self.own = own
    self.chain = chain
    self.expectedHost = expectedHost
  }
}

/// What a verify hook decides.
public enum PeerVerdict: Sendable, Hashable {
  case accept
  /// The reason goes into logs and errors of this side.
  case refuse(reason: String)
}

/// A certificate that a peer has shown and that was verified.
public struct PeerCertificate: Sendable, Hashable {
  /// Its owner, as in `O=Tern,CN=client`.
  public let subject: String
  /// Who has signed it.
  public let issuer: String
  /// Names of hosts in it, from the subject alternative names.
  public let dnsNames: [String]
  public let ipAddresses: [String]
  public let uris: [String]
  public let emailAddresses: [String]
  /// Of the whole certificate, SHA-256, lower case, without colons.
  public let fingerprint: String
  /// The certificate itself.
  public let der: [UInt8]

  /// The identity of a workload, if it has one: the only URI, with the scheme `spiffe`.
  ///
  /// Source: <https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md>
  public var spiffeID: String? {
    guard uris.count == 1, let uri = uris.first, uri.hasPrefix("spiffe://") else { return nil }
    return uri
  }

  package init(
    subject: String, issuer: String, dnsNames: [String], ipAddresses: [String], uris: [String],
    emailAddresses: [String], fingerprint: String, der: [UInt8]
  ) {
    self.subject = subject
    self.issuer = issuer
    self.dnsNames = dnsNames
    self.ipAddresses = ipAddresses
    self.uris = uris
    self.emailAddresses = emailAddresses
    self.fingerprint = fingerprint
    self.der = der
  }
}

/// What a TLS handshake has led to.
public struct NegotiatedTLS: Sendable {
  public let version: TLSVersion
  /// OpenSSL's name, e.g. `TLS_AES_256_GCM_SHA384`.
  public let cipherSuite: String
  /// `h2`: without it there is no connection.
  public let applicationProtocol: String
  /// Whether an earlier session was continued.
  public let isResumed: Bool
  /// The host that the client asked for, if it named one.
  public let serverName: String?
  /// `nil` if the peer has shown none, as most clients.
  public let peerCertificate: PeerCertificate?

  package init(
    version: TLSVersion, cipherSuite: String, applicationProtocol: String, isResumed: Bool,
    serverName: String?, peerCertificate: PeerCertificate?
  ) {
    self.version = version
    self.cipherSuite = cipherSuite
    self.applicationProtocol = applicationProtocol
    self.isResumed = isResumed
    self.serverName = serverName
    self.peerCertificate = peerCertificate
  }
}
