internal import COpenSSL
package import TernBytes
package import TernCore

/// TLS on one connection: bytes of the network in, bytes of the application out, and the reverse.
///
/// Knows no socket. What is to be sent is appended to `outbound`, which whoever owns the connection
/// empties; it may be shared by many sessions of one thread, which are used one at a time.
@safe package final class TLSSession {
  let handle: OpaquePointer
  package let context: TLSContext
  /// The host whose certificate a client demands.
  let expectedHost: String?
  let outbound: ByteBuffer
  /// What OpenSSL has not read yet of the bytes that `receive` was given.
  var input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
  /// Why a certificate was refused, for the explanation.
  var refusal: CertificateRefusal?
  /// The first bytes that came, for the explanation.
  private(set) var firstBytes: [UInt8] = []
  /// Gets each ticket that a server sends. Clients only.
  package var onTicket: ((TLSTicket) -> Void)?

  package private(set) var isHandshakeDone = false
  /// The peer has said that nothing will follow.
  package private(set) var isClosedByPeer = false
  private var hasFailed = false

  /// What `receive` may produce beyond the bytes that it is given: one record that was not whole.
  package static let maxHeldBytes = 17 << 10

  /// - Parameters:
  ///   - expectedHost: What the certificate of the other side must name: a host, or an address in
  ///     numbers. `nil` on servers.
  ///   - ticket: An earlier session with this host, to be continued.
  package init(
    _ context: TLSContext, expectedHost: String? = nil, ticket: TLSTicket? = nil,
    outbound: ByteBuffer
  ) throws(TLSFailure) {
    OpenSSLError.clear()
    guard let handle = unsafe SSL_new(context.handle), let bio = unsafe BIO_new(SessionBIO.method)
    else {
      throw TLSFailure(
        explanation: "OpenSSL cannot make a session", reason: OpenSSLError.take().text)
    }
    unsafe self.handle = handle
    self.context = context
    self.expectedHost = expectedHost
    self.outbound = outbound
    let reference = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe SSL_set_ex_data(handle, 0, reference)
    unsafe BIO_set_data(bio, reference)
    unsafe BIO_set_init(bio, 1)
    unsafe SSL_set_bio(handle, bio, bio)
    if context.role == .server {
      unsafe SSL_set_accept_state(handle)
    } else {
      unsafe SSL_set_connect_state(handle)
      try expect(expectedHost ?? "")
      if let ticket { unsafe SSL_set_session(handle, ticket.handle) }
    }
  }

  deinit { unsafe SSL_free(handle) }

  /// The session that OpenSSL's object belongs to.
  static func of(_ handle: OpaquePointer?) -> TLSSession? {
    guard let handle = unsafe handle, let reference = unsafe SSL_get_ex_data(handle, 0) else {
      return nil
    }
    return unsafe Unmanaged<TLSSession>.fromOpaque(reference).takeUnretainedValue()
  }

  // Spec: W100 (SNI, and the certificate's names: RFC 6125, RFC 6066)
  private func expect(_ host: String) throws(TLSFailure) {
    let parameters = unsafe SSL_get0_param(handle)
    // An address travels in no SNI, and is looked for among the addresses.
    if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1 { return }
    unsafe SSL_set_hostflags(
      handle,
      UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
    guard !host.isEmpty, unsafe SSL_set1_host(handle, host) == 1,
      unsafe tern_set_server_name(handle, host) == 1
    else {
      throw TLSFailure(
        explanation: "'\(host)' is no host that a certificate could name",
        reason: OpenSSLError.take().text)
    }
    OpenSSLError.clear()
  }

  // MARK: In

  /// Begins the handshake. Clients only: servers wait.
  package func start() throws(TLSFailure) {
    OpenSSLError.clear()
    try check(unsafe SSL_do_handshake(handle))
  }

  /// Takes bytes from the network.
  ///
  /// - Parameter plaintext: Where the application's bytes go; must have room for ``maxHeldBytes``
  ///   more than `bytes` has.
  /// - Returns: How many there are.
  @unsafe package func receive(
    _ bytes: UnsafeRawBufferPointer, into plaintext: UnsafeMutableRawBufferPointer
  ) throws(TLSFailure) -> Int {
    OpenSSLError.clear()
    if firstBytes.isEmpty, !isHandshakeDone { unsafe firstBytes = Array(bytes.prefix(24)) }
    unsafe input = bytes
    defer { unsafe input = UnsafeRawBufferPointer(start: nil, count: 0) }
    var count = 0
    while count < plaintext.count, let start = plaintext.baseAddress {
      var readBytes = 0
      let result = unsafe SSL_read_ex(handle, start + count, plaintext.count - count, &readBytes)
      if !isHandshakeDone { try noteHandshake() }
      if result != 1 {
        try check(result)
        break
      }
      count += readBytes
    }
    return count
  }

  private func noteHandshake() throws(TLSFailure) {
    guard unsafe SSL_is_init_finished(handle) == 1 else { return }
    isHandshakeDone = true
    firstBytes = []
    try checkNegotiated()
  }

  // MARK: Out

  /// Encrypts bytes of the application into `outbound`. Only after the handshake.
  @unsafe package func send(_ bytes: UnsafeRawBufferPointer) throws(TLSFailure) {
    OpenSSLError.clear()
    var written = 0
    // Our BIO takes everything, so this writes all or fails.
    try check(unsafe SSL_write_ex(handle, bytes.baseAddress, bytes.count, &written))
  }

  /// Says that nothing will follow.
  package func close() {
    // In the middle of a handshake, and after a failure, OpenSSL must not be asked.
    if hasFailed || !isHandshakeDone { return }
    hasFailed = true
    OpenSSLError.clear()
    unsafe SSL_shutdown(handle)
    OpenSSLError.clear()
  }

  // MARK: Results

  private func check(_ result: Int32) throws(TLSFailure) {
    if result == 1 { return }
    switch unsafe SSL_get_error(handle, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return
    case SSL_ERROR_ZERO_RETURN: isClosedByPeer = true
    default:
      hasFailed = true
      let (code, text) = OpenSSLError.take()
      throw TLSExplanation.failure(of: self, code: code, text: text)
    }
  }

  /// What is not in the handshake's own rules.
  // Spec: W100 (ALPN must have selected h2; cipher suites that HTTP/2 forbids)
  private func checkNegotiated() throws(TLSFailure) {
    if applicationProtocol != "h2" {
      hasFailed = true
      throw TLSExplanation.noALPN(role: context.role)
    }
    guard let cipher = unsafe SSL_get_current_cipher(handle),
      unsafe SSL_CIPHER_is_aead(cipher) == 1
    else {
      hasFailed = true
      throw TLSFailure(
        explanation: "the cipher suite \(cipherSuite) is forbidden with HTTP/2", reason: "")
    }
  }

  private var applicationProtocol: String {
    var start: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(handle, &start, &count)
    return unsafe String(
      decoding: UnsafeBufferPointer(start: start, count: Int(count)), as: UTF8.self)
  }

  private var cipherSuite: String {
    guard let cipher = unsafe SSL_get_current_cipher(handle),
      let name = unsafe SSL_CIPHER_get_name(cipher)
    else { return "(none)" }
    return unsafe String(cString: name)
  }

  /// The host that a client has asked for.
  var askedServerName: String? {
    guard let name = unsafe SSL_get_servername(handle, TLSEXT_NAMETYPE_host_name) else {
      return nil
    }
    return unsafe String(cString: name)
  }

  /// What the handshake has led to; once it is done.
  package func negotiated() -> NegotiatedTLS {
    let certificate = unsafe SSL_get1_peer_certificate(handle).map {
      unsafe Certificate(owning: $0)
    }
    return NegotiatedTLS(
      version: unsafe SSL_version(handle) == TLS1_3_VERSION ? .v1_3 : .v1_2,
      cipherSuite: cipherSuite, applicationProtocol: applicationProtocol,
      isResumed: unsafe SSL_session_reused(handle) == 1, serverName: askedServerName,
      peerCertificate: certificate?.asPeer)
  }

  func receive(_ ticket: TLSTicket) { onTicket?(ticket) }
}
