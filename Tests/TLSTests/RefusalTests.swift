import TernCore
import TernTLS
import TestSupport
import Testing

@Suite("TLS refuses")
struct RefusalTests {
  /// A server's certificate with something wrong, and what the client says of it.
  static let wrongServers: [(certificate: String, words: [String])] = [
    ("expired", ["CN=localhost,O=Tern tests", "has expired", "valid until"]),
    ("not-yet-valid", ["is not valid yet", "clocks"]),
    ("wrong-host", ["is for elsewhere.example", "'localhost' was expected"]),
    ("wrong-usage", ["was not made for a server", "extendedKeyUsage"]),
    ("unknown", ["issued by CN=A root that nobody trusts", "Add that authority to the roots"]),
    ("self-signed", ["is signed by itself", "Add it to the roots"]),
  ]

  // Spec: W100 (PROTOCOL-HTTP2, Security)
  @Test("a server whose certificate is wrong, and says what is wrong", arguments: wrongServers)
  func wrongServer(certificate: String, words: [String]) throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server(certificate))

    pair.shakeHands()

    let failure = try #require(pair.clientFailure)
    for word in words { #expect(failure.description.contains(word), "\(failure)") }
    #expect(failure.description.contains("OpenSSL: "))
    // The alert tells the server as well.
    #expect(pair.serverFailure != nil)
    #expect(!pair.server.isHandshakeDone)
  }

  @Test("to show a certificate whose key is too short")
  func weakKey() throws {
    let error = #expect(throws: TLSConfigurationError.self) { try Contexts.server("weak-key") }

    #expect(error?.description.contains("2048 bits") == true)
  }

  @Test("a client without certificate, if one is required, and both sides say so")
  func noClientCertificate() throws {
    let pair = try SessionPair(
      Contexts.client(), Contexts.server(clientRoots: "ca", mustHaveClientCertificate: true))

    pair.shakeHands()

    #expect(pair.serverFailure?.explanation.contains("showed no certificate") == true)
    #expect(pair.clientFailure?.explanation.contains("requires a certificate") == true)
  }

  @Test(
    "a client whose certificate is wrong",
    arguments: [
      ("unknown-client", "A root that nobody trusts"), ("expired-client", "has expired"),
      ("server", "was not made for a client"),
    ])
  func wrongClientCertificate(certificate: String, words: String) throws {
    let pair = try SessionPair(
      Contexts.client(identity: certificate), Contexts.server(clientRoots: "ca"))

    pair.shakeHands()

    #expect(pair.serverFailure?.explanation.contains(words) == true, "\(pair.serverFailure as Any)")
    #expect(pair.clientFailure?.explanation.contains("this client's certificate") == true)
  }

  @Test("suites that only one side has")
  func noCommonSuite() throws {
    var (first, second) = (TLSPolicy(), TLSPolicy())
    first.cipherSuites = ["TLS_AES_128_GCM_SHA256"]
    second.cipherSuites = ["TLS_AES_256_GCM_SHA384"]
    let pair = try SessionPair(Contexts.client(policy: first), Contexts.server(policy: second))

    pair.shakeHands()

    #expect(pair.serverFailure?.explanation.contains("no cipher suite") == true)
    #expect(pair.clientFailure?.explanation.contains("nothing that both sides accept") == true)
  }

  @Test(
    "what is no TLS, and says what it is",
    arguments: [
      ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2 without TLS"),
      ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 without TLS"), ("hello there", "no TLS"),
    ])
  func plaintextClient(text: String, words: String) throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server())

    pair.feed(Array(text.utf8), toServer: true)

    #expect(pair.serverFailure?.explanation.contains(words) == true)
  }

  @Test("a server that answers with HTTP/2's SETTINGS in plaintext")
  func plaintextServer() throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server())
    try pair.client.start()

    pair.feed([0, 0, 0, 4, 0, 0, 0, 0, 0], toServer: false)

    #expect(
      pair.clientFailure?.explanation.contains("the server speaks HTTP/2 without TLS") == true)
  }

  @Test("garbage after the handshake")
  func garbage() throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server())
    pair.shakeHands()

    pair.feed(Array("no record at all".utf8), toServer: true)

    #expect(pair.serverFailure?.explanation.contains("no valid record") == true)
  }

  @Test("a record of which one bit was changed", arguments: [0, 3, 5, 20, 60])
  func changedBit(offset: Int) throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server())
    pair.shakeHands()
    try pair.send(Array(repeating: 7, count: 50))
    var record = pair.takeOutput(ofServer: false)
    record[offset] ^= 1

    pair.feed(record, toServer: true)

    // A longer length is only waited for.
    #expect(pair.serverFailure != nil || pair.receivedByServer.isEmpty)
    #expect(pair.receivedByServer.isEmpty)
  }

  @Test("whatever else comes, without a crash")
  func anything() throws {
    var generator = SystemRandomNumberGenerator()
    let server = try Contexts.server()
    for round in 0..<2_000 {
      let pair = try SessionPair(Contexts.client(), server)
      var bytes: [UInt8]
      if round % 2 == 0 {
        bytes = (0..<Int.random(in: 1...300)).map { _ in .random(in: 0...255, using: &generator) }
        if round % 4 == 0 { bytes = [22, 3, 1, 0, UInt8(min(bytes.count, 255))] + bytes }
      } else {
        try pair.client.start()
        bytes = pair.takeOutput(ofServer: false)
        for _ in 0..<3 { bytes[.random(in: 0..<bytes.count)] = .random(in: 0...255) }
      }

      pair.feed(bytes, toServer: true)

      #expect(!pair.server.isHandshakeDone)
    }
  }
}
