internal import COpenSSL
package import TernCore

/// One certificate of X.509.
@safe package final class Certificate {
  let handle: OpaquePointer

  /// Takes over a handle: one reference is freed with this object.
  init(owning handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe X509_free(handle) }

  /// A certificate that OpenSSL owns as well.
  static func retaining(_ handle: OpaquePointer) -> Certificate {
    unsafe X509_up_ref(handle)
    return unsafe Certificate(owning: handle)
  }

  // MARK: Reading

  /// Reads all certificates of a PEM text, or the one of DER.
  ///
  /// - Parameter source: What the bytes are, for the error: a path.
  package static func read(
    _ bytes: [UInt8], from source: CertificateSource
  ) throws(TLSConfigurationError) -> [Certificate] {
    OpenSSLError.clear()
    let certificates =
      PEM.isPEM(bytes) ? readPEM(bytes) : readDER(bytes).map { [$0] } ?? []
    if certificates.isEmpty {
      let (_, reason) = OpenSSLError.take()
      throw TLSConfigurationError(
        "There is no certificate in \(source) (\(bytes.count) bytes; OpenSSL: \(reason)). It must be "
          + "PEM, with lines that say BEGIN CERTIFICATE, or DER.")
    }
    OpenSSLError.clear()
    return certificates
  }

  private static func readPEM(_ bytes: [UInt8]) -> [Certificate] {
    guard let input = unsafe PEM.input(bytes) else { return [] }
    defer { unsafe BIO_free(input) }
    var certificates: [Certificate] = []
    // Ends with an error that says that no further line begins a certificate.
    while let handle = unsafe PEM_read_bio_X509(input, nil, nil, nil) {
      certificates.append(unsafe Certificate(owning: handle))
    }
    return certificates
  }

  private static func readDER(_ bytes: [UInt8]) -> Certificate? {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      guard let handle = unsafe d2i_X509(nil, &start, buffer.count) else { return nil }
      return unsafe Certificate(owning: handle)
    }
  }

  // MARK: What it says

  var subject: String { unsafe Self.text(of: X509_get_subject_name(handle)) }
  var issuer: String { unsafe Self.text(of: X509_get_issuer_name(handle)) }
  var notBefore: String { unsafe Self.text(of: X509_get0_notBefore(handle)) }
  var notAfter: String { unsafe Self.text(of: X509_get0_notAfter(handle)) }

  package func isExpired(atUnixTime seconds: Int) -> Bool {
    var moment = seconds
    return unsafe X509_cmp_time(X509_get0_notAfter(handle), &moment) < 0
  }

  package func isNotYetValid(atUnixTime seconds: Int) -> Bool {
    var moment = seconds
    return unsafe X509_cmp_time(X509_get0_notBefore(handle), &moment) > 0
  }

  /// Whether one of its alternative names is `host`, by the rules of RFC 6125.
  func names(host: String) -> Bool {
    let flags = UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
    return unsafe X509_check_host(handle, host, host.utf8.count, flags, nil) == 1
  }

  package var der: [UInt8] {
    let count = unsafe i2d_X509(handle, nil)
    guard count > 0 else { return [] }
    return unsafe [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, written in
      var start = buffer.baseAddress
      written = unsafe max(0, Int(i2d_X509(handle, &start)))
    }
  }

  private var fingerprint: String {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 32
    guard unsafe X509_digest(handle, EVP_sha256(), &digest, &count) == 1 else { return "" }
    let digits = Array("0123456789abcdef")
    return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  /// As users see it.
  var asPeer: PeerCertificate {
    let names = alternativeNames
    return PeerCertificate(
      subject: subject, issuer: issuer, dnsNames: names.hosts, ipAddresses: names.addresses,
      uris: names.uris, emailAddresses: names.emails, fingerprint: fingerprint, der: der)
  }

  // MARK: Alternative names

  struct AlternativeNames {
    var hosts: [String] = []
    var addresses: [String] = []
    var uris: [String] = []
    var emails: [String] = []
  }

  var alternativeNames: AlternativeNames {
    var names = AlternativeNames()
    guard
      let list = unsafe X509_get_ext_d2i(handle, NID_subject_alt_name, nil, nil).map({
        OpaquePointer($0)
      })
    else { return names }
    defer { unsafe OPENSSL_sk_pop_free(list, freeGeneralName) }
    for index in unsafe 0..<OPENSSL_sk_num(list) {
      guard let entry = unsafe OPENSSL_sk_value(list, index) else { continue }
      let name = unsafe entry.assumingMemoryBound(to: GENERAL_NAME.self).pointee
      switch unsafe name.type {
      case GEN_DNS: unsafe names.hosts.append(Self.string(name.d.dNSName))
      case GEN_URI: unsafe names.uris.append(Self.string(name.d.uniformResourceIdentifier))
      case GEN_EMAIL: unsafe names.emails.append(Self.string(name.d.rfc822Name))
      case GEN_IPADD: unsafe names.addresses.append(Self.address(name.d.iPAddress))
      default: break
      }
    }
    return names
  }

  private static func string(_ text: UnsafeMutablePointer<ASN1_STRING>?) -> String {
    unsafe String(decoding: bytes(text), as: UTF8.self)
  }

  private static func bytes(_ text: UnsafeMutablePointer<ASN1_STRING>?) -> UnsafeBufferPointer<
    UInt8
  > {
    guard let text = unsafe text else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
    return unsafe UnsafeBufferPointer(
      start: ASN1_STRING_get0_data(text), count: max(0, Int(ASN1_STRING_length(text))))
  }

  private static func address(_ text: UnsafeMutablePointer<ASN1_STRING>?) -> String {
    let bytes = unsafe Array(bytes(text))
    if bytes.count == 4 { return bytes.map { "\($0)" }.joined(separator: ".") }
    // Not shortened: for people who compare, not for machines.
    return stride(from: 0, to: bytes.count & ~1, by: 2).map { index in
      String(Int(bytes[index]) << 8 | Int(bytes[index + 1]), radix: 16)
    }.joined(separator: ":")
  }

  // MARK: Text

  private static func text(of name: OpaquePointer?) -> String {
    guard let name = unsafe name else { return "" }
    return unsafe printed { output in
      // RFC 2253's form, without escaping of what UTF-8 can say.
      unsafe X509_NAME_print_ex(output, name, 0, tern_readable_name_flags()) >= 0
    }
  }

  private static func text(of time: UnsafePointer<ASN1_TIME>?) -> String {
    guard let time = unsafe time else { return "" }
    return unsafe printed { unsafe ASN1_TIME_print($0, time) == 1 }
  }

  private static func printed(_ print: (OpaquePointer) -> Bool) -> String {
    guard let output = unsafe BIO_new(BIO_s_mem()) else { return "" }
    defer { unsafe BIO_free(output) }
    guard unsafe print(output) else { return "" }
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 256)
    while true {
      let count = unsafe BIO_read(output, &chunk, Int32(chunk.count))
      if count <= 0 { break }
      result += chunk[..<Int(count)]
    }
    return String(decoding: result, as: UTF8.self)
  }
}

private func freeGeneralName(_ name: UnsafeMutableRawPointer?) {
  unsafe GENERAL_NAME_free(name?.assumingMemoryBound(to: GENERAL_NAME.self))
}

/// Telling PEM from DER.
enum PEM {
  /// DER begins with a byte that is no letter of a text: 0x30.
  static func isPEM(_ bytes: [UInt8]) -> Bool { bytes.first != 0x30 }

  /// A reader of a copy of the bytes, to be freed with `BIO_free`.
  static func input(_ bytes: [UInt8]) -> OpaquePointer? {
    guard let input = unsafe BIO_new(BIO_s_mem()) else { return nil }
    unsafe BIO_write(input, bytes, Int32(clamping: bytes.count))
    return unsafe input
  }
}
