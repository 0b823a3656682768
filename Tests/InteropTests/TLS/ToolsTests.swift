import Tern
import TestSupport
import Testing

/// `openssl s_client` and `curl` as clients, `openssl s_server` as a server: what they do, no gRPC
/// library would.
@Suite("OpenSSL's tools and curl", .timeLimit(.minutes(2)))
struct ToolsTests {
  private func connect(
    _ port: Int, _ arguments: [String] = [], alpn: String? = "h2"
  ) throws -> PeerProcess {
    try PeerProcess(
      "openssl",
      [
        "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", Certificates.path("ca.crt"),
        "-verify_return_error", "-verify_hostname", "localhost",
      ] + (alpn.map { ["-alpn", $0] } ?? []) + arguments)
  }

  @Test("s_client gets the whole chain, h2, and TLS 1.3")
  func sClient() async throws {
    try await withServer(credentials: TernTLS.server()) { port in
      let client = try connect(port)
      #expect(try await client.line(after: "ALPN protocol: ") == "h2")
      #expect(client.text.contains("TLSv1.3"))
      #expect(client.text.contains("CN = Tern test intermediate"))
      client.finishInput()
      #expect(await client.end().code == 0)
    }
  }

  // Spec: W100 (PROTOCOL-HTTP2, Security: TLS 1.2 at least)
  @Test("A client that only knows TLS 1.2 gets it, with forward secrecy; an older one is refused")
  func versions() async throws {
    try await withServer(credentials: TernTLS.server()) { port in
      let client = try connect(port, ["-tls1_2"])
      #expect(try await client.line(after: "ALPN protocol: ") == "h2")
      #expect(client.text.contains("ECDHE-ECDSA-AES"))
      client.finishInput()
      #expect(await client.end().code == 0)

      let old = try connect(port, ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"])
      #expect(await old.end().code != 0)
    }
  }

  // Spec: W100 (TLS 1.2 at least, as an option 1.3)
  @Test("With 1.3 as the minimum, a client of 1.2 is refused, and the log says why")
  func only13() async throws {
    var policy = TLSPolicy()
    policy.minimumVersion = .v1_3
    let credentials = ServerCredentials.tls(
      certificateChain: .file(try Certificates.path("server-chain.crt")),
      privateKey: .file(try Certificates.path("server.key")), policy: policy)
    try await withServer(credentials: credentials) { port in
      let (code, text) = await (try connect(port, ["-tls1_2"])).end()
      #expect(code != 0)
      #expect(text.contains("alert protocol version"))
    }
  }

  // Spec: W100 (ALPN must select h2)
  @Test(
    "Without ALPN, or with another protocol, there is no connection", arguments: [nil, "http/1.1"])
  func noALPN(alpn: String?) async throws {
    try await withServer(credentials: TernTLS.server()) { port in
      let client = try connect(port, alpn: alpn)
      // Standard input stays open: it is the server that ends the connection.
      let (_, text) = await client.end()
      #expect(!text.contains("ALPN protocol: h2"))
    }
  }

  @Test("Key updates in both directions leave the connection whole")
  func keyUpdate() async throws {
    try await withServer(credentials: TernTLS.server()) { port in
      let client = try connect(port)
      _ = try await client.line(after: "ALPN protocol: ")
      // A line that begins with K is a command to s_client: update, and ask for the same.
      try client.send("K\n")
      // What the server sends has no lines to wait for; commands are taken one a read.
      try client.send("K\n")
      client.finishInput()
      let (code, text) = await client.end()
      #expect(code == 0)
      #expect(text.contains("KEYUPDATE"))
    }
  }

  @Test("A renegotiation is refused")
  func renegotiation() async throws {
    try await withServer(credentials: TernTLS.server()) { port in
      let client = try connect(port, ["-tls1_2"])
      _ = try await client.line(after: "ALPN protocol: ")
      try client.send("R\n")
      let (_, text) = await client.end()
      #expect(text.contains("no renegotiation") || text.contains("alert"), "\(text)")
    }
  }

  @Test("curl calls over HTTP/2 with a client certificate")
  func curl() async throws {
    try await withServer(credentials: TernTLS.server(clientCA: "ca.crt")) { port in
      let (code, text) = try await PeerProcess.run(
        "curl",
        [
          "--silent", "--show-error", "--http2", "--cacert", Certificates.path("ca.crt"), "--cert",
          Certificates.path("client-chain.crt"), "--key", Certificates.path("client.key"),
          "--header", "content-type: application/grpc", "--header", "te: trailers",
          // An empty message: five bytes of zero, which no argument can hold.
          "--data-binary", "@/dev/null", "--dump-header", "-", "--output", "/dev/null",
          "https://localhost:\(port)/tern.test.Echo/Unary",
        ])
      #expect(code == 0, "\(text)")
      #expect(text.contains("HTTP/2 200"))
      #expect(text.contains("content-type: application/grpc"))
      // No message came, and that is said in the status.
      #expect(text.contains("grpc-status: 13") || text.contains("grpc-status: 12"), "\(text)")
    }
  }

  // Spec: W30 (grpc-java: 431 and RESOURCE_EXHAUSTED)
  @Test("A request with too many headers gets 431 and RESOURCE_EXHAUSTED")
  func tooManyHeaders() async throws {
    try await withServer { port in
      let url = "http://127.0.0.1:\(port)/tern.test.Echo/Unary"
      let common = [
        "--silent", "--show-error", "--http2-prior-knowledge", "--header",
        "content-type: application/grpc", "--data-binary", "@/dev/null", "--dump-header", "-",
        "--output", "/dev/null",
      ]
      let large = (0..<20).flatMap {
        ["--header", "field-\($0): \(String(repeating: "x", count: 1_000))"]
      }
      // curl calls a stream that is reset behind its answer an error; the answer is what counts.
      let (_, text) = try await PeerProcess.run("curl", common + large + [url])
      #expect(text.contains("HTTP/2 431"), "\(text)")
      #expect(text.contains("grpc-status: 8"), "\(text)")
      #expect(text.contains("maxHeaderListBytes"))
    }
  }

  @Test("A server that speaks TLS but no HTTP/2 fails the call, and the error says so")
  func sServer() async throws {
    let server = try PeerProcess(
      "openssl",
      [
        "s_server", "-accept", "127.0.0.1:0", "-cert", Certificates.path("server.crt"), "-key",
        Certificates.path("server.key"), "-cert_chain", Certificates.path("server-chain.crt"),
      ])
    let port = try await server.line(after: "ACCEPT 127.0.0.1:")
    let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: TernTLS.channel())
    defer { channel.close() }

    let error = await #expect(throws: RPCError.self) {
      try await EchoClient(channel: channel).unary([1])
    }

    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("chose no protocol by ALPN") == true, "\(error as Any)")
  }

  @Test(
    "A server whose certificate is out of date fails the call, and the error says so",
    arguments: [("expired", "has expired"), ("not-yet-valid", "is not valid yet")])
  func wrongDates(certificate: String, words: String) async throws {
    let (server, port) = try await PeerProcess.openSSLServer(certificate: certificate)
    let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: TernTLS.channel())
    defer { channel.close() }

    let error = await #expect(throws: RPCError.self) {
      try await EchoClient(channel: channel).unary([1])
    }

    #expect(error?.code == .unavailable)
    #expect(error?.message.contains(words) == true, "\(error as Any) \(server.text)")
  }

  @Test("A server whose only version is refused fails the call, and the error says so")
  func noCommonVersion() async throws {
    let server = try PeerProcess(
      "openssl",
      [
        "s_server", "-accept", "127.0.0.1:0", "-tls1_2", "-alpn", "h2", "-cert",
        Certificates.path("server.crt"), "-key", Certificates.path("server.key"),
      ])
    let port = try await server.line(after: "ACCEPT 127.0.0.1:")
    var policy = TLSPolicy()
    policy.minimumVersion = .v1_3
    let channel = try GRPCChannel(
      "127.0.0.1:\(port)",
      credentials: .tls(roots: .file(Certificates.path("ca.crt")), policy: policy))
    defer { channel.close() }

    let error = await #expect(throws: RPCError.self) {
      try await EchoClient(channel: channel).unary([1])
    }

    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("minimumVersion") == true, "\(error as Any)")
  }
}
