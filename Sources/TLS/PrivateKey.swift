internal import COpenSSL
package import TernCore

/// A private key. OpenSSL overwrites it when it frees it.
@safe package final class PrivateKey {
  let handle: OpaquePointer

  private init(owning handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe EVP_PKEY_free(handle) }

  /// Reads a key, PEM or DER, encrypted or not.
  ///
  /// - Parameter source: What the bytes are, for the error: a path.
  package init(
    _ bytes: SecretBytes, passphrase: SecretBytes?, from source: PrivateKeySource
  ) throws(TLSConfigurationError) {
    OpenSSLError.clear()
    guard let input = unsafe BIO_new_mem_buf(bytes.bytes.baseAddress, Int32(clamping: bytes.count))
    else { throw TLSConfigurationError("\(source) cannot be read: it is empty.") }
    defer { unsafe BIO_free(input) }
    let request = PassphraseRequest(passphrase)
    let context = unsafe Unmanaged.passUnretained(request).toOpaque()
    let isPEM = unsafe bytes.bytes.first != 0x30
    let key = unsafe withExtendedLifetime(request) {
      unsafe isPEM
        ? PEM_read_bio_PrivateKey(input, nil, givePassphrase, context)
        : Self.readDER(bytes, input, passphrase == nil ? nil : context)
    }
    guard let key = unsafe key else {
      throw Self.explain(OpenSSLError.take().text, request, bytes, source)
    }
    OpenSSLError.clear()
    unsafe handle = key
  }

  private static func readDER(
    _ bytes: SecretBytes, _ input: OpaquePointer, _ context: UnsafeMutableRawPointer?
  ) -> OpaquePointer? {
    if let context = unsafe context {
      return unsafe d2i_PKCS8PrivateKey_bio(input, nil, givePassphrase, context)
    }
    return unsafe d2i_PrivateKey_bio(input, nil)
  }

  private static func explain(
    _ reason: String, _ request: PassphraseRequest, _ bytes: SecretBytes, _ source: PrivateKeySource
  ) -> TLSConfigurationError {
    if request.wasAsked, request.passphrase == nil {
      return TLSConfigurationError(
        "The private key \(source) is encrypted, and no passphrase was given. Give it beside the key "
          + "(passphrase:), or decrypt the file.")
    }
    if request.wasAsked {
      return TLSConfigurationError(
        "The passphrase does not open the private key \(source) (OpenSSL: \(reason)).")
    }
    return TLSConfigurationError(
      "There is no private key in \(source) (\(bytes.count) bytes; OpenSSL: \(reason)). It must be "
        + "PEM, with lines that say BEGIN … PRIVATE KEY, or DER.")
  }

  func matches(_ certificate: Certificate) -> Bool {
    OpenSSLError.clear()
    defer { OpenSSLError.clear() }
    return unsafe X509_check_private_key(certificate.handle, handle) == 1
  }
}

/// Whether OpenSSL asked for a passphrase, and what it gets.
private final class PassphraseRequest {
  let passphrase: SecretBytes?
  var wasAsked = false

  init(_ passphrase: SecretBytes?) { self.passphrase = passphrase }
}

/// OpenSSL's own function would ask at the terminal.
private func givePassphrase(
  _ place: UnsafeMutablePointer<CChar>?, _ count: Int32, _ isForWriting: Int32,
  _ context: UnsafeMutableRawPointer?
) -> Int32 {
  guard let context = unsafe context, let place = unsafe place else { return -1 }
  let request = unsafe Unmanaged<PassphraseRequest>.fromOpaque(context).takeUnretainedValue()
  request.wasAsked = true
  guard let passphrase = request.passphrase, passphrase.count <= Int(count) else { return -1 }
  unsafe UnsafeMutableRawBufferPointer(start: place, count: Int(count))
    .copyMemory(from: passphrase.bytes)
  return Int32(passphrase.count)
}
