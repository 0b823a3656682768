internal import COpenSSL
package import TernCore

/// The context of one of a server's identities, and which hosts it is for.
struct ServerIdentityContext {
  let certificate: Certificate
  let context: TLSContext
}

extension TLSContext {
  /// - Parameters:
  ///   - identities: The first is the default; the others serve the hosts that they name.
  ///   - clientRoots: `nil` asks for no certificate.
  package static func server(
    identities: [Identity], clientRoots: Roots?, mustHaveClientCertificate: Bool,
    policy: TLSPolicy, keyLog: (@Sendable (String) -> Void)?
  ) throws(TLSConfigurationError) -> TLSContext {
    guard let first = identities.first else {
      throw TLSConfigurationError(
        "The server's TLS has no certificate. Give at least one TLSIdentity.")
    }
    func make(
      _ identity: Identity, others: [ServerIdentityContext]
    ) throws(TLSConfigurationError) -> TLSContext {
      let context = try TLSContext(
        role: .server, identity: identity, roots: clientRoots, policy: policy, others: others,
        keyLog: keyLog)
      context.setServerRules(
        verifyMode: clientRoots == nil
          ? SSL_VERIFY_NONE
          : SSL_VERIFY_PEER | (mustHaveClientCertificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        clientRoots: clientRoots?.certificates ?? [])
      return context
    }
    var others: [ServerIdentityContext] = []
    for identity in identities {
      // The first as well, when there are others: what it names must not go to a later one.
      if identities.count == 1 { break }
      others.append(
        ServerIdentityContext(
          certificate: identity.own, context: try make(identity, others: [])))
    }
    return try make(first, others: others)
  }

  private func setServerRules(verifyMode: Int32, clientRoots: [Certificate]) {
    unsafe SSL_CTX_set_verify(handle, verifyMode, nil)
    unsafe SSL_CTX_set_alpn_select_cb(handle, selectProtocol, nil)
    unsafe tern_ctx_prefer_own_ciphers(handle)
    // One ticket, not two: a channel has one connection to a server. Sessions themselves live in
    // the tickets that clients keep, so a server remembers nothing.
    unsafe SSL_CTX_set_num_tickets(handle, 1)
    unsafe tern_ctx_set_session_cache_mode(handle, Int(SSL_SESS_CACHE_OFF))
    // Needed for resumption as soon as clients have certificates; any constant will do.
    unsafe SSL_CTX_set_session_id_context(handle, "tern", 4)
    // Tells clients which of their certificates will do.
    for certificate in clientRoots { unsafe SSL_CTX_add_client_CA(handle, certificate.handle) }
    if !others.isEmpty { unsafe tern_ctx_set_server_name_callback(handle, selectIdentity) }
  }
}

// Spec: W100 (ALPN must select h2)
/// The client's list, each name behind its length: `h2`, or no connection.
private func selectProtocol(
  _ handle: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ chosenCount: UnsafeMutablePointer<UInt8>?, _ list: UnsafePointer<UInt8>?, _ count: UInt32,
  _ context: UnsafeMutableRawPointer?
) -> Int32 {
  guard let list = unsafe list else { return SSL_TLSEXT_ERR_ALERT_FATAL }
  let names = unsafe UnsafeBufferPointer(start: list, count: Int(count))
  var index = 0
  while index < names.count {
    let length = unsafe Int(names[index])
    guard index + 1 + length <= names.count else { break }
    if length == 2, unsafe names[index + 1] == UInt8(ascii: "h"),
      unsafe names[index + 2] == UInt8(ascii: "2")
    {
      unsafe chosen?.pointee = list + index + 1
      unsafe chosenCount?.pointee = 2
      return SSL_TLSEXT_ERR_OK
    }
    index += 1 + length
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// Takes the certificate that names the host which the client wants.
private func selectIdentity(
  _ handle: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?,
  _ context: UnsafeMutableRawPointer?
) -> Int32 {
  guard let handle = unsafe handle, let session = unsafe TLSSession.of(handle),
    let host = session.askedServerName,
    let fitting = session.context.others.first(where: { $0.certificate.names(host: host) })
  else { return SSL_TLSEXT_ERR_OK }
  unsafe SSL_set_SSL_CTX(handle, fitting.context.handle)
  return SSL_TLSEXT_ERR_OK
}
