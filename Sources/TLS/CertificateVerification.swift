internal import COpenSSL
internal import TernCore

/// Which certificate was refused, and why.
struct CertificateRefusal {
  let subject: String
  let issuer: String
  let notBefore: String
  let notAfter: String
  let names: [String]
  /// 0 for the peer's own.
  let depth: Int
  /// OpenSSL's `X509_V_ERR_…`.
  let code: Int32
  let text: String
  /// What the user's own hook said.
  var hookReason: String?
}

/// Replaces OpenSSL's verification by the same, and then asks the user's hook.
func verifyCertificates(_ store: OpaquePointer?, _ context: UnsafeMutableRawPointer?) -> Int32 {
  guard let store = unsafe store,
    let reference = unsafe X509_STORE_CTX_get_ex_data(
      store, SSL_get_ex_data_X509_STORE_CTX_idx()),
    let session = unsafe TLSSession.of(OpaquePointer(reference))
  else { return 0 }
  guard unsafe X509_verify_cert(store) == 1 else {
    session.refusal = unsafe refusal(in: store)
    return 0
  }
  return unsafe askHook(store, session) ? 1 : 0
}

private func refusal(in store: OpaquePointer) -> CertificateRefusal {
  let code = unsafe X509_STORE_CTX_get_error(store)
  let certificate = unsafe X509_STORE_CTX_get_current_cert(store).map {
    unsafe Certificate.retaining($0)
  }
  let names = certificate?.alternativeNames
  return CertificateRefusal(
    subject: certificate?.subject ?? "(none)", issuer: certificate?.issuer ?? "(none)",
    notBefore: certificate?.notBefore ?? "", notAfter: certificate?.notAfter ?? "",
    names: names.map { $0.hosts + $0.addresses } ?? [],
    depth: unsafe Int(X509_STORE_CTX_get_error_depth(store)), code: code,
    text: unsafe X509_verify_cert_error_string(Int(code)).map { unsafe String(cString: $0) } ?? "")
}

/// - Returns: Whether the user's hook accepts the peer. Without a hook it does.
private func askHook(_ store: OpaquePointer, _ session: TLSSession) -> Bool {
  guard let verify = session.context.verifyPeer else { return true }
  var chain: [Certificate] = []
  if let stack = unsafe X509_STORE_CTX_get0_chain(store) {
    for index in unsafe 0..<OPENSSL_sk_num(stack) {
      guard let entry = unsafe OPENSSL_sk_value(stack, index) else { continue }
      chain.append(unsafe Certificate.retaining(OpaquePointer(entry)))
    }
  }
  guard let own = chain.first else { return false }
  let verdict = verify(
    PeerCertificates(
      own: own.asPeer, chain: chain.map(\.der), expectedHost: session.expectedHost))
  guard case .refuse(let reason) = verdict else { return true }
  unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
  session.refusal = CertificateRefusal(
    subject: own.subject, issuer: own.issuer, notBefore: own.notBefore, notAfter: own.notAfter,
    names: [], depth: 0, code: X509_V_ERR_APPLICATION_VERIFICATION,
    text: "application verification failure", hookReason: reason)
  return false
}
