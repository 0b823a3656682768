internal import COpenSSL
package import TernCore

/// What many TLS sessions share: certificates, roots, and the rules of the handshake.
///
/// Does not change. When certificates are renewed a new one takes its place; sessions keep the one
/// they began with.
@safe package final class TLSContext: @unchecked Sendable {
  // `@unchecked Sendable` because nothing changes after `init`, and OpenSSL counts the references
  // to its own object under a lock of its own.
  let handle: OpaquePointer
  package let role: TLSRole
  let verifyPeer: (@Sendable (PeerCertificates) -> PeerVerdict)?
  let keyLog: (@Sendable (String) -> Void)?
  /// For other hosts than that of the first identity. Servers only.
  let others: [ServerIdentityContext]

  /// What one side shows: its chain, and the key of the first certificate.
  package struct Identity {
    let chain: [Certificate]
    let key: PrivateKey
    let own: Certificate

    /// - Throws: If the two do not belong together.
    package init(
      chain: [Certificate], key: PrivateKey, chainSource: CertificateSource,
      keySource: PrivateKeySource
    ) throws(TLSConfigurationError) {
      guard let own = chain.first, key.matches(own) else {
        throw TLSConfigurationError(
          "The private key \(keySource) does not belong to the first certificate of \(chainSource)"
            + (chain.first.map { ", \($0.subject)" } ?? "")
            + ". The server's own certificate comes first in its file; take the key that was made "
            + "with it.")
      }
      self.chain = chain
      self.key = key
      self.own = own
    }

    /// - Throws: If the first certificate is out of date: every client would refuse it.
    package func checkDates(
      atUnixTime seconds: Int, source: CertificateSource
    ) throws(TLSConfigurationError) {
      if own.isExpired(atUnixTime: seconds) {
        throw TLSConfigurationError(
          "The certificate \(own.subject) in \(source) has expired: it was valid until "
            + "\(own.notAfter). Renew it.")
      }
      if own.isNotYetValid(atUnixTime: seconds) {
        throw TLSConfigurationError(
          "The certificate \(own.subject) in \(source) is not valid yet: it is from "
            + "\(own.notBefore) on. Is this machine's clock right?")
      }
    }
  }

  /// Whose certificates to believe.
  package struct Roots {
    let includesSystem: Bool
    let certificates: [Certificate]

    package init(includesSystem: Bool, certificates: [Certificate]) {
      self.includesSystem = includesSystem
      self.certificates = certificates
    }
  }

  // Spec: W100 (PROTOCOL-HTTP2, Security: TLS 1.2 at least, ALPN h2)
  init(
    role: TLSRole, identity: Identity?, roots: Roots?, policy: TLSPolicy,
    others: [ServerIdentityContext], keyLog: (@Sendable (String) -> Void)?
  ) throws(TLSConfigurationError) {
    OpenSSLError.clear()
    guard let handle = unsafe SSL_CTX_new(TLS_method()) else {
      throw TLSConfigurationError("OpenSSL cannot make a context: \(OpenSSLError.take().text).")
    }
    unsafe self.handle = handle
    self.role = role
    self.others = others
    self.keyLog = keyLog
    verifyPeer = policy.verifyPeer
    setRules()
    try apply(policy)
    if let identity { try show(identity) }
    if let roots { try trust(roots) }
    if keyLog != nil { unsafe SSL_CTX_set_keylog_callback(handle, writeKeys) }
    unsafe SSL_CTX_set_cert_verify_callback(handle, verifyCertificates, nil)
  }

  deinit { unsafe SSL_CTX_free(handle) }

  private func setRules() {
    // No renegotiation and no compression: attacks need them, HTTP/2 forbids them. Early data stays
    // at OpenSSL's default, off.
    unsafe tern_ctx_forbid_renegotiation_and_compression(handle)
    unsafe tern_ctx_set_mode(
      handle,
      // Idle connections give their buffers back.
      Int(SSL_MODE_RELEASE_BUFFERS) | Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)
        // The default, and needed: what is not the application's must not end a read.
        | Int(SSL_MODE_AUTO_RETRY))
  }

  private static let tls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"

  private func apply(_ policy: TLSPolicy) throws(TLSConfigurationError) {
    let version = policy.minimumVersion == .v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION
    unsafe tern_ctx_set_min_version(handle, version)
    let suites = policy.cipherSuites ?? []
    let tls13 = suites.filter { $0.hasPrefix("TLS_") }
    let tls12 = suites.filter { !$0.hasPrefix("TLS_") }
    if let unusable = tls12.first(where: { !Self.isAllowed($0) }) {
      throw TLSConfigurationError(
        "The cipher suite '\(unusable)' cannot be used: OpenSSL does not know it, or HTTP/2 forbids "
          + "it. With TLS 1.2 it takes ECDHE and GCM or ChaCha20, such as "
          + "'ECDHE-RSA-AES128-GCM-SHA256'.")
    }
    if !tls13.isEmpty,
      unsafe SSL_CTX_set_ciphersuites(handle, tls13.joined(separator: ":")) != 1
    {
      throw TLSConfigurationError(
        "OpenSSL does not know all of these cipher suites: \(tls13.joined(separator: ", ")).")
    }
    let list = tls12.isEmpty ? Self.tls12Ciphers : tls12.joined(separator: ":")
    guard unsafe SSL_CTX_set_cipher_list(handle, list) == 1 else {
      throw TLSConfigurationError("OpenSSL knows no cipher suite of '\(list)'.")
    }
    if !suites.isEmpty, tls12.isEmpty { unsafe tern_ctx_set_min_version(handle, TLS1_3_VERSION) }
    let groups = policy.groups.joined(separator: ":")
    guard unsafe tern_ctx_set_groups(handle, groups) == 1 else {
      throw TLSConfigurationError(
        "OpenSSL does not know all of these groups: '\(groups)'. 'X25519' and 'P-256' are two.")
    }
    OpenSSLError.clear()
  }

  // Spec: W100 (RFC 9113, 9.2.2: cipher suites that HTTP/2 forbids)
  private static func isAllowed(_ suite: String) -> Bool {
    // Words and not text within text: that would link regular expressions, a tenth of a program.
    let words = suite.split(separator: "-")
    return words.first == "ECDHE" && (words.contains("GCM") || words.contains("CHACHA20"))
  }

  private func show(_ identity: Identity) throws(TLSConfigurationError) {
    for (index, certificate) in identity.chain.enumerated() {
      let result =
        unsafe index == 0
        ? Int(SSL_CTX_use_certificate(handle, certificate.handle))
        : tern_ctx_add_chain_certificate(handle, certificate.handle)
      if result != 1 {
        throw TLSConfigurationError(
          "The certificate \(certificate.subject) cannot be used: \(OpenSSLError.take().text). "
            + "Keys of RSA need 2048 bits or more.")
      }
    }
    if unsafe SSL_CTX_use_PrivateKey(handle, identity.key.handle) != 1 {
      throw TLSConfigurationError(
        "The private key of \(identity.own.subject) cannot be used: \(OpenSSLError.take().text).")
    }
  }

  private func trust(_ roots: Roots) throws(TLSConfigurationError) {
    if roots.includesSystem, unsafe SSL_CTX_set_default_verify_paths(handle) != 1 {
      throw TLSConfigurationError(
        "The system's trusted certificates cannot be used: \(OpenSSLError.take().text). On Debian "
          + "they are in the package ca-certificates.")
    }
    let store = unsafe SSL_CTX_get_cert_store(handle)
    for certificate in roots.certificates {
      // A root that is there twice is no error worth a word.
      unsafe X509_STORE_add_cert(store, certificate.handle)
    }
    OpenSSLError.clear()
  }
}

/// Which end of a connection.
package enum TLSRole: Sendable {
  case client
  case server

  /// The other end, in a sentence.
  var peer: String { self == .client ? "server" : "client" }
}

/// OpenSSL hands out one line for each secret.
private func writeKeys(_ handle: OpaquePointer?, _ line: UnsafePointer<CChar>?) {
  guard let line = unsafe line, let session = unsafe TLSSession.of(handle) else { return }
  session.context.keyLog?(unsafe String(cString: line))
}
