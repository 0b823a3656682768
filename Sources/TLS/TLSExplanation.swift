internal import COpenSSL

/// Says in words for people why TLS failed: what was expected, what was seen, what to do.
enum TLSExplanation {
  static func failure(of session: TLSSession, code: Int, text: String) -> TLSFailure {
    let role = session.context.role
    if let refusal = session.refusal {
      return TLSFailure(
        explanation: explain(refusal, role: role, expectedHost: session.expectedHost),
        reason: refusal.text)
    }
    let explanation =
      foreignBytes(session.firstBytes, role: role)
      ?? ownFinding(code, role: role) ?? alert(code, role: role)
      ?? "TLS with the \(role.peer) failed"
    return TLSFailure(explanation: explanation, reason: text)
  }

  // Spec: W100 (ALPN must select h2)
  static func noALPN(role: TLSRole) -> TLSFailure {
    let explanation =
      role == .client
      ? "the server speaks TLS but chose no protocol by ALPN; gRPC needs 'h2'. Is this the port of a "
        + "gRPC server, and does a proxy in between pass ALPN on?"
      : "the client did not ask for the protocol 'h2' by ALPN, which gRPC needs"
    return TLSFailure(explanation: explanation, reason: "")
  }

  // MARK: Certificates

  private static func explain(
    _ refusal: CertificateRefusal, role: TLSRole, expectedHost: String?
  ) -> String {
    let whose =
      refusal.depth == 0
      ? "the \(role.peer)'s certificate" : "a certificate in the \(role.peer)'s chain"
    let which = "\(whose), \(refusal.subject),"
    switch refusal.code {
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      let names = refusal.names.isEmpty ? "no host" : refusal.names.joined(separator: ", ")
      return
        "\(which) is for \(names); '\(expectedHost ?? "")' was expected. Connect by a name that "
        + "it has, set serverName, or get a certificate with this name among its alternative names"
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "\(which) has expired: it was valid until \(refusal.notAfter). Renew it"
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "\(which) is not valid yet: it is from \(refusal.notBefore) on. Are both clocks right?"
    case X509_V_ERR_INVALID_PURPOSE:
      return "\(which) was not made for a \(role.peer): see its extendedKeyUsage"
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return
        "\(which) is signed by itself and is not among the roots. Add it to the roots, if this "
        + "is the \(role.peer) that you mean"
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "\(which) was issued by \(refusal.issuer), which the roots do not lead to. Add that "
        + "authority to the roots, or have the \(role.peer) send its intermediate certificates"
    case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL:
      return
        "\(which) has a key that is too short to be safe. Make one with RSA of 2048 bits or P-256"
    case X509_V_ERR_APPLICATION_VERIFICATION:
      return "\(which) was refused by verifyPeer: \(refusal.hookReason ?? "no reason given")"
    default:
      return "\(which) was refused"
    }
  }

  // MARK: What the peer sent is no TLS, or not ours

  private static func foreignBytes(_ bytes: [UInt8], role: TLSRole) -> String? {
    // A TLS record begins with its type and version.
    if bytes.isEmpty || (bytes.count > 1 && (20...24).contains(bytes[0]) && bytes[1] == 3) {
      return nil
    }
    if bytes.starts(with: "PRI * HTTP/2".utf8) || isSettingsFrame(bytes) {
      return "the \(role.peer) speaks HTTP/2 without TLS, and this side wants TLS: use the same "
        + "credentials on both sides"
    }
    let http1 = ["GET ", "POST ", "HEAD ", "PUT ", "HTTP/1"]
    if http1.contains(where: { bytes.starts(with: $0.utf8) }) {
      return "the \(role.peer) speaks HTTP/1.1 without TLS, and gRPC here needs TLS with HTTP/2"
    }
    return "the \(role.peer)'s first bytes are no TLS"
  }

  /// What a server says first when it speaks HTTP/2 in plaintext: length, type 4, flags, stream 0.
  private static func isSettingsFrame(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 9 && bytes[0] == 0 && bytes[3] == 4 && bytes[5...8].allSatisfy { $0 == 0 }
  }

  private static func ownFinding(_ code: Int, role: TLSRole) -> String? {
    switch Int32(clamping: code) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      "the client showed no certificate, and this server requires one"
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW:
      "the \(role.peer) offers no version of TLS that this side accepts: see minimumVersion"
    case SSL_R_NO_SHARED_CIPHER: "there is no cipher suite that both sides accept"
    case SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SHARED_GROUPS:
      "there is no group for the key exchange that both sides accept"
    case SSL_R_NO_APPLICATION_PROTOCOL:
      "the client offers by ALPN no protocol that gRPC can use; it must offer 'h2'"
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, SSL_R_WRONG_VERSION_NUMBER,
      SSL_R_BAD_RECORD_TYPE, SSL_R_UNEXPECTED_RECORD, SSL_R_PACKET_LENGTH_TOO_LONG,
      SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
      "the \(role.peer) sent bytes that are no valid record of this session"
    default: nil
    }
  }

  /// What the peer said is wrong with us. OpenSSL adds 1000 to the alert's number.
  ///
  /// Source: RFC 8446, section 6.2
  private static func alert(_ code: Int, role: TLSRole) -> String? {
    let own = role == .client ? "this client's" : "this server's"
    switch code - Int(SSL_AD_REASON_OFFSET) {
    case 40:
      return "the \(role.peer) found nothing that both sides accept; it may also want a certificate"
    case 42, 43, 46: return "the \(role.peer) does not accept \(own) certificate"
    case 44: return "the \(role.peer) says that \(own) certificate is revoked"
    case 45: return "the \(role.peer) says that \(own) certificate has expired"
    case 48:
      return
        "the \(role.peer) does not know the authority that issued \(own) certificate: it has to "
        + "be among the \(role.peer)'s roots, and \(own) chain must lead to it"
    case 49: return "the \(role.peer) does not let \(own) certificate in"
    case 70:
      return "the \(role.peer) accepts none of the versions of TLS that this side offers: see "
        + "minimumVersion on both sides"
    case 71: return "the \(role.peer) wants stronger cipher suites than this side offers"
    case 112: return "the \(role.peer) does not know the host that was asked for"
    case 116:
      return "the \(role.peer) requires a certificate and got none: give the channel's credentials "
        + "a certificateChain and a privateKey"
    case 120:
      return "the \(role.peer) speaks TLS, but not HTTP/2: it refused the ALPN protocol 'h2'"
    case 0...255: return "the \(role.peer) ended TLS with an alert"
    default: return nil
    }
  }
}
