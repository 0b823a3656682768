internal import COpenSSL
package import TernCore

extension TLSContext {
  /// - Parameter identity: What to show to servers that ask.
  package static func client(
    roots: Roots, identity: Identity?, policy: TLSPolicy, keyLog: (@Sendable (String) -> Void)?
  ) throws(TLSConfigurationError) -> TLSContext {
    let context = try TLSContext(
      role: .client, identity: identity, roots: roots, policy: policy, others: [], keyLog: keyLog)
    context.setClientRules()
    return context
  }

  private func setClientRules() {
    unsafe SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
    let protocols: [UInt8] = [2, UInt8(ascii: "h"), UInt8(ascii: "2")]
    unsafe SSL_CTX_set_alpn_protos(handle, protocols, UInt32(protocols.count))
    // Sessions go to whoever owns the connection, by the callback; OpenSSL keeps none.
    unsafe tern_ctx_set_session_cache_mode(
      handle, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
    unsafe SSL_CTX_sess_set_new_cb(handle, keepTicket)
  }
}

/// A session that can be continued on another connection.
@safe package final class TLSTicket: @unchecked Sendable {
  // `@unchecked Sendable` because it does not change.
  let handle: OpaquePointer

  /// Takes over a reference.
  init(owning handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe SSL_SESSION_free(handle) }
}

/// - Returns: 1, which says that the reference is ours now.
private func keepTicket(_ handle: OpaquePointer?, _ ticket: OpaquePointer?) -> Int32 {
  guard let ticket = unsafe ticket, let session = unsafe TLSSession.of(handle) else { return 0 }
  unsafe session.receive(TLSTicket(owning: ticket))
  return 1
}
