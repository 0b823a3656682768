import Testing

import TestSupport

/// openssl and curl against each other and against libgrpc++: what then fails against Tern is ours.
@Suite("Command-line peers", .timeLimit(.minutes(2)))
struct CommandLinePeerTests {
  @Test("openssl's client and server agree on h2 and talk")
  func openSSL() async throws {
    let (server, port) = try await PeerProcess.openSSLServer()
    let client = try PeerProcess.openSSLClient(port: port, ["-verify_hostname", "localhost"])

    try client.send("from the client\n")
    #expect(try await server.line(after: "from the ") == "client")
    try server.send("from the server\n")
    #expect(try await client.line(after: "from the ") == "server")
    client.finishInput()
    let (code, text) = await client.end()

    #expect(code == 0)
    #expect(text.contains("ALPN protocol: h2"), "\(text)")
    #expect(text.contains("Verify return code: 0 (ok)"))
  }

  @Test("openssl's server sees which client it talks with")
  func mutualTLS() async throws {
    let ca = try Certificates.path("ca.crt")
    let (server, port) = try await PeerProcess.openSSLServer([
      "-Verify", "3", "-verify_return_error", "-CAfile", ca,
    ])

    let client = try PeerProcess.openSSLClient(port: port, certificate: "client")
    try client.send("hello\n")

    #expect(try await server.line(after: "hello") == "")
    #expect(server.text.contains("CN = test client"), "\(server.text)")
  }

  @Test("openssl's client leaves a server whose authority it does not know")
  func unknownAuthority() async throws {
    let (server, port) = try await PeerProcess.openSSLServer(certificate: "unknown")

    let (code, text) = await (try PeerProcess.openSSLClient(port: port)).end()

    #expect(code == 1)
    #expect(text.contains("unable to get local issuer certificate"), "\(text)\(server.text)")
  }

  @Test("curl gets an answer with its trailers")
  func curl() async throws {
    let server = try await Cpp.server(certificate: "server")

    let (code, text) = try await PeerProcess.curl(
      port: server.port, path: "/grpc.testing.TestService/EmptyCall")

    #expect(code == 0, "\(text)\(server.text)")
    #expect(text.hasPrefix("HTTP/2 200"), "\(text)")
    #expect(text.contains("grpc-status: 0"))
  }
}
