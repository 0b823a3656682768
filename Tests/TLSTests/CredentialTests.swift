import TernCore
import TernTLS
import TestSupport
import Testing

@Suite("TLS credentials")
struct CredentialTests {
  private func readKey(_ name: String, passphrase: String? = nil) throws -> PrivateKey {
    let bytes = SecretBytes(try Certificates.bytes(name))
    let secret = passphrase.map { SecretBytes(Array($0.utf8)) }
    return try PrivateKey(bytes, passphrase: secret, from: .file(name))
  }

  @Test("A key may be PEM, DER or encrypted")
  func keyForms() throws {
    let certificate = try Certificate.read(Certificates.bytes("server.crt"), from: .file("x"))
    let source = CertificateSource.file("server.crt")
    for key in [
      try readKey("server.key"), try readKey("server.key.der"),
      try readKey("server-encrypted.key", passphrase: Certificates.passphrase),
    ] {
      _ = try TLSContext.Identity(
        chain: certificate, key: key, chainSource: source, keySource: .file("server.key"))
    }
  }

  @Test("A certificate may be DER")
  func derCertificate() throws {
    let der = try Certificate.read(Certificates.bytes("server.der"), from: .file("server.der"))
    let pem = try Certificate.read(Certificates.bytes("server.crt"), from: .file("server.crt"))

    #expect(der.count == 1)
    #expect(der.first?.der == pem.first?.der)
  }

  @Test("A PEM file gives all its certificates, in order")
  func chain() throws {
    let chain = try Certificate.read(
      Certificates.bytes("server-chain.crt"), from: .file("server-chain.crt"))

    #expect(chain.count == 2)
  }

  @Test("A wrong passphrase, and none, are told apart")
  func passphrase() throws {
    let wrong = #expect(throws: TLSConfigurationError.self) {
      try readKey("server-encrypted.key", passphrase: "wrong")
    }
    let none = #expect(throws: TLSConfigurationError.self) { try readKey("server-encrypted.key") }

    #expect(wrong?.description.contains("The passphrase does not open") == true)
    #expect(none?.description.contains("no passphrase was given") == true)
    #expect(none?.description.contains("'server-encrypted.key'") == true)
  }

  @Test("What is no key and no certificate is named")
  func neither() throws {
    let key = #expect(throws: TLSConfigurationError.self) { try readKey("ca.crt") }
    let certificate = #expect(throws: TLSConfigurationError.self) {
      try Certificate.read(Certificates.bytes("server.key"), from: .file("server.key"))
    }
    let empty = #expect(throws: TLSConfigurationError.self) {
      try Certificate.read([], from: .bytes([]))
    }

    #expect(key?.description.contains("There is no private key in 'ca.crt'") == true)
    #expect(certificate?.description.contains("There is no certificate in 'server.key'") == true)
    #expect(empty?.description.contains("0 bytes") == true)
  }

  @Test("A key that belongs to another certificate is refused with both names")
  func mismatch() throws {
    let chain = CertificateSource.file("server-chain.crt")
    let error = #expect(throws: TLSConfigurationError.self) {
      try TLSContext.Identity(
        chain: Certificate.read(Certificates.bytes("server-chain.crt"), from: chain),
        key: readKey("client.key"), chainSource: chain, keySource: .file("client.key"))
    }

    #expect(error?.description.contains("'client.key' does not belong") == true)
    #expect(error?.description.contains("'server-chain.crt'") == true)
  }

  @Test("An own certificate that is out of date is refused at the start")
  func dates() throws {
    // 1 January 2001, before all of them; and 2100, after.
    for (moment, word) in [(978_307_200, "is not valid yet"), (4_102_444_800, "has expired")] {
      let error = #expect(throws: TLSConfigurationError.self) {
        try TLSContext.Identity.named("server").checkDates(
          atUnixTime: moment, source: .file("server-chain.crt"))
      }
      #expect(error?.description.contains(word) == true)
      #expect(error?.description.contains("'server-chain.crt'") == true)
    }
  }

  @Test("No description shows a key or a passphrase")
  func secrecy() throws {
    let key = PrivateKeySource.pem("-----BEGIN SECRET", passphrase: "open sesame")
    let credentials = ServerCredentials.tls(certificateChain: .file("x.crt"), privateKey: key)

    var dumped = ""
    dump(credentials, to: &dumped)
    for text in ["\(key)", "\(credentials)", String(reflecting: credentials), dumped] {
      #expect(!text.contains("BEGIN SECRET"))
      #expect(!text.contains("sesame"))
      #expect(!text.contains("45, 45, 45"))
    }
  }
}
