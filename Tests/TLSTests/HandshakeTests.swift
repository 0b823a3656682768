import Synchronization
import TernCore
import TernTLS
import TestSupport
import Testing

@Suite("TLS handshake")
struct HandshakeTests {
  // Spec: W100 (PROTOCOL-HTTP2, Security: TLS 1.2 at least, ALPN h2)
  @Test("Two sessions agree on TLS 1.3, h2 and a forward-secret suite", arguments: [1, 7, 4096])
  func agree(chunkBytes: Int) throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server())
    pair.chunkBytes = chunkBytes

    pair.shakeHands()

    #expect(pair.clientFailure == nil)
    #expect(pair.serverFailure == nil)
    #expect(pair.client.isHandshakeDone && pair.server.isHandshakeDone)
    let seen = pair.client.negotiated()
    #expect(seen.version == .v1_3)
    #expect(seen.applicationProtocol == "h2")
    #expect(seen.cipherSuite.hasPrefix("TLS_"))
    #expect(!seen.isResumed)
    #expect(seen.peerCertificate?.subject == "CN=localhost,O=Tern tests")
    #expect(seen.peerCertificate?.dnsNames.contains("localhost") == true)
    #expect(seen.peerCertificate?.ipAddresses == ["127.0.0.1", "0:0:0:0:0:0:0:1"])
    let served = pair.server.negotiated()
    #expect(served.peerCertificate == nil)
    #expect(served.serverName == "localhost")
  }

  @Test(
    "With suites of TLS 1.2 alone, an AEAD suite with forward secrecy is taken",
    arguments: ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"])
  func version12(suite: String) throws {
    var policy = TLSPolicy()
    policy.cipherSuites = [suite]
    let client = try Contexts.client(policy: policy)
    let pair = try SessionPair(client, Contexts.server())

    pair.shakeHands()

    #expect(pair.clientFailure == nil)
    // A list of 1.2 says nothing of 1.3, which is better and stays.
    #expect(pair.client.negotiated().version == .v1_3)
  }

  // Spec: W100 (RFC 9113, 9.2.2: cipher suites that HTTP/2 forbids)
  @Test(
    "A suite that HTTP/2 forbids is refused at the start",
    arguments: ["AES128-SHA", "ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"])
  func forbiddenSuite(suite: String) throws {
    var policy = TLSPolicy()
    policy.cipherSuites = [suite]

    let error = #expect(throws: TLSConfigurationError.self) { try Contexts.server(policy: policy) }

    #expect(error?.description.contains("'\(suite)'") == true)
  }

  @Test("A group that OpenSSL does not know is refused at the start")
  func unknownGroup() throws {
    var policy = TLSPolicy()
    policy.groups = ["P-257"]

    let error = #expect(throws: TLSConfigurationError.self) { try Contexts.client(policy: policy) }

    #expect(error?.description.contains("'P-257'") == true)
  }

  @Test("Bytes arrive whole, however they are cut", arguments: [1, 2, 13, 1500, 16_384, 70_000])
  func split(chunkBytes: Int) throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server())
    pair.shakeHands()
    pair.chunkBytes = chunkBytes
    let message = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    try pair.send(message)
    try pair.send(message, fromServer: true)
    pair.exchange()

    #expect(pair.receivedByServer == message)
    #expect(pair.receivedByClient == message)
  }

  // Spec: W100 (certificates' names: RFC 6125)
  @Test(
    "A certificate is good for the hosts and addresses that it names",
    arguments: [
      "localhost", "LOCALHOST", "foo.test.google.fr", "a.test.google.fr", "127.0.0.1", "::1",
    ])
  func goodHosts(host: String) throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server(), host: host)

    pair.shakeHands()

    #expect(pair.clientFailure == nil, "\(String(describing: pair.clientFailure))")
  }

  // Spec: W100 (certificates' names: RFC 6125)
  @Test(
    "A certificate is good for no other",
    arguments: ["example.com", "a.b.test.google.fr", "test.google.fr", "127.0.0.2", "::2"])
  func otherHosts(host: String) throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server(), host: host)

    pair.shakeHands()

    let failure = try #require(pair.clientFailure)
    #expect(failure.explanation.contains("'\(host)' was expected"))
    #expect(failure.explanation.contains("is for localhost, foo.test.google.fr"))
    #expect(pair.serverFailure != nil)
  }

  @Test("A host that cannot be one is refused before anything is sent")
  func impossibleHost() throws {
    #expect(throws: TLSFailure.self) {
      try SessionPair(Contexts.client(), Contexts.server(), host: "")
    }
  }

  @Test("A session continues with the ticket of another one, once a server has sent it")
  func resumption() throws {
    let (client, server) = (try Contexts.client(), try Contexts.server())
    let first = try SessionPair(client, server)
    first.shakeHands()
    let ticket = try #require(first.tickets.last)

    let second = try SessionPair(client, server, ticket: ticket)
    second.shakeHands()

    #expect(second.client.negotiated().isResumed)
    #expect(second.server.negotiated().isResumed)
  }

  @Test("A session resumes also where the certificate was chosen by the host's name")
  func resumptionBehindServerName() throws {
    let client = try Contexts.client(identity: "client")
    let server = try Contexts.server(
      "server", "second", clientRoots: "ca", mustHaveClientCertificate: true)
    let first = try SessionPair(client, server, host: "second.example")
    first.shakeHands()
    let ticket = try #require(first.tickets.last)

    let second = try SessionPair(client, server, host: "second.example", ticket: ticket)
    second.shakeHands()

    #expect(second.client.negotiated().isResumed)
    let third = try SessionPair(
      client, server, host: "second.example", ticket: second.tickets.last)
    third.shakeHands()
    #expect(third.client.negotiated().isResumed)
    #expect(third.client.negotiated().peerCertificate?.dnsNames == ["second.example"])
  }

  @Test("A ticket means nothing to a server with other keys, and the handshake is a full one")
  func foreignTicket() throws {
    let client = try Contexts.client()
    let first = try SessionPair(client, Contexts.server())
    first.shakeHands()

    let second = try SessionPair(client, Contexts.server(), ticket: first.tickets.last)
    second.shakeHands()

    #expect(second.clientFailure == nil)
    #expect(!second.client.negotiated().isResumed)
  }

  // Spec: W100 (SNI: RFC 6066)
  @Test("Of several certificates, a server shows the one that names the host")
  func serverName() throws {
    let server = try Contexts.server("server", "second")
    for (host, subject) in [
      ("second.example", "CN=second.example,O=Tern tests"),
      ("localhost", "CN=localhost,O=Tern tests"),
      ("127.0.0.1", "CN=localhost,O=Tern tests"),
    ] {
      let pair = try SessionPair(Contexts.client(), server, host: host)
      pair.shakeHands()

      #expect(pair.clientFailure == nil)
      #expect(pair.client.negotiated().peerCertificate?.subject == subject)
    }
  }

  @Test("A host that no certificate names gets the first one")
  func unknownServerName() throws {
    let pair = try SessionPair(
      Contexts.client(), Contexts.server("server", "second"), host: "third.example")

    pair.shakeHands()

    #expect(pair.clientFailure?.explanation.contains("CN=localhost,O=Tern tests") == true)
  }

  @Test("A server sees who its client is")
  func clientCertificate() throws {
    let pair = try SessionPair(
      Contexts.client(identity: "client"),
      Contexts.server(clientRoots: "ca", mustHaveClientCertificate: true))

    pair.shakeHands()

    #expect(pair.serverFailure == nil)
    let certificate = try #require(pair.server.negotiated().peerCertificate)
    #expect(certificate.subject == "CN=test client,O=Tern tests")
    #expect(certificate.issuer == "CN=Tern test intermediate,O=Tern tests")
    #expect(certificate.spiffeID == "spiffe://tern.test/client")
    #expect(certificate.emailAddresses == ["client@tern.test"])
    #expect(certificate.fingerprint.count == 64)
    #expect(certificate.der.first == 0x30)
  }

  @Test("A client certificate is known in a resumed session as well")
  func resumedClientCertificate() throws {
    let client = try Contexts.client(identity: "client")
    let server = try Contexts.server(clientRoots: "ca", mustHaveClientCertificate: true)
    let first = try SessionPair(client, server)
    first.shakeHands()

    let second = try SessionPair(client, server, ticket: first.tickets.last)
    second.shakeHands()

    #expect(second.server.negotiated().isResumed)
    #expect(second.server.negotiated().peerCertificate?.spiffeID == "spiffe://tern.test/client")
  }

  @Test("A server that only requests a certificate serves clients without one")
  func requestedCertificate() throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server(clientRoots: "ca"))

    pair.shakeHands()

    #expect(pair.serverFailure == nil && pair.clientFailure == nil)
    #expect(pair.server.negotiated().peerCertificate == nil)
  }

  @Test("A verify hook sees the verified chain, and what it refuses is refused with its reason")
  func verifyHook() throws {
    let seen = Seen()
    var policy = TLSPolicy()
    policy.verifyPeer = { certificates in
      seen.chainCount.store(certificates.chain.count, ordering: .relaxed)
      return certificates.own.dnsNames.contains("pinned") ? .accept : .refuse(reason: "not pinned")
    }
    let pair = try SessionPair(Contexts.client(policy: policy), Contexts.server())

    pair.shakeHands()

    #expect(pair.clientFailure?.explanation.contains("not pinned") == true)
    #expect(pair.serverFailure != nil)
    // Own, intermediate, root.
    #expect(seen.chainCount.load(ordering: .relaxed) == 3)
  }

  @Test("close_notify tells an end from a cut")
  func closing() throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server())
    pair.shakeHands()

    try pair.send([1, 2, 3], fromServer: true)
    pair.server.close()
    pair.exchange()

    #expect(pair.receivedByClient == [1, 2, 3])
    #expect(pair.client.isClosedByPeer)
    #expect(!pair.server.isClosedByPeer)
  }

  @Test("Keys are handed to whoever logs them, and only then")
  func keyLog() throws {
    let seen = Seen()
    let server = try Contexts.server(keyLog: { line in
      if line.hasPrefix("SERVER_TRAFFIC_SECRET_0 ") {
        seen.lines.wrappingAdd(1, ordering: .relaxed)
      }
    })
    let pair = try SessionPair(Contexts.client(), server)

    pair.shakeHands()

    #expect(seen.lines.load(ordering: .relaxed) == 1)
  }
}

/// What callbacks have seen.
private final class Seen: Sendable {
  let chainCount = Atomic<Int>(0)
  let lines = Atomic<Int>(0)
}
