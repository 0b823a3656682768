import Testing

import TestSupport

/// Asks openssl whether each certificate is what its name says.
@Suite("Certificates")
struct CertificateTests {
  /// What `openssl verify` says at security level 2, for a TLS server named localhost.
  @Test(
    "A server's certificate is good, or wrong in the way of its name",
    arguments: [
      ("server", "OK"), ("server-rsa", "OK"), ("expired", "certificate has expired"),
      ("not-yet-valid", "certificate is not yet valid"), ("wrong-host", "hostname mismatch"),
      ("second", "hostname mismatch"), ("self-signed", "self-signed certificate"),
      ("unknown", "unable to get local issuer certificate"),
      ("wrong-usage", "unsuitable certificate purpose"),
      ("weak-key", "EE certificate key too weak"),
    ])
  func server(name: String, verdict: String) async throws {
    let text = try await verify(name, "-purpose", "sslserver", "-verify_hostname", "localhost")

    #expect(text.contains(verdict), "\(text)")
  }

  @Test(
    "A client's certificate is good, or wrong in the way of its name",
    arguments: [
      ("client", "OK"), ("expired-client", "certificate has expired"),
      ("unknown-client", "unable to get local issuer certificate"),
    ])
  func client(name: String, verdict: String) async throws {
    let text = try await verify(name, "-purpose", "sslclient")

    #expect(text.contains(verdict), "\(text)")
  }

  @Test(
    "The server's certificate is for each of its names",
    arguments: [
      ["-verify_hostname", "foo.test.google.fr"], ["-verify_hostname", "bar.test.google.fr"],
      ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"],
    ])
  func names(arguments: [String]) async throws {
    let text = try await verify("server", arguments)

    #expect(text.contains("OK"), "\(text)")
  }

  @Test("The second certificate is for second.example")
  func second() async throws {
    let text = try await verify("second", "-verify_hostname", "second.example")

    #expect(text.contains("OK"), "\(text)")
  }

  @Test(
    "The other forms of the server's key are the same key",
    arguments: [
      ["-in", "server.key"], ["-in", "server.key.der", "-inform", "DER"],
      ["-in", "server-encrypted.key", "-passin", "pass:\(Certificates.passphrase)"],
    ])
  func keyForms(arguments: [String]) async throws {
    var arguments = arguments
    arguments[1] = try Certificates.path(arguments[1])
    let certificate = try Certificates.path("server.der")

    let key = try await PeerProcess.run("openssl", ["pkey", "-pubout"] + arguments)
    let expected = try await PeerProcess.run(
      "openssl", ["x509", "-inform", "DER", "-in", certificate, "-noout", "-pubkey"])

    #expect(key.text == expected.text)
    #expect(key.text.contains("BEGIN PUBLIC KEY"), "\(key.text)")
  }

  @Test("A chain begins with the certificate of its name")
  func chains() throws {
    for name in ["server", "client", "unknown", "self-signed", "expired-client"] {
      let certificate = try Certificates.text("\(name).crt")
      #expect(try Certificates.text("\(name)-chain.crt").hasPrefix(certificate))
    }
    #expect(
      try Certificates.text("server-chain.crt").hasSuffix(Certificates.text("intermediate.crt")))
  }

  @Test("A name that the script does not know is an error")
  func unknownName() {
    #expect(throws: PeerProcess.Failure.self) { try Certificates.path("none.crt") }
  }

  private func verify(_ name: String, _ arguments: String...) async throws -> String {
    try await verify(name, arguments)
  }

  private func verify(_ name: String, _ arguments: [String]) async throws -> String {
    let files = [
      "-CAfile", try Certificates.path("ca.crt"),
      "-untrusted", try Certificates.path("intermediate.crt"),
      try Certificates.path("\(name).crt"),
    ]
    return try await PeerProcess.run(
      "openssl", ["verify", "-auth_level", "2"] + arguments + files
    ).text
  }
}
