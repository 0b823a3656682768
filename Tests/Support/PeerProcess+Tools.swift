extension PeerProcess {
  /// `openssl s_server`: prints what its clients send, and sends them what is written to it.
  ///
  /// - Parameters:
  ///   - certificate: the name of `NAME-chain.crt` and `NAME.key` among ``Certificates``.
  ///   - alpn: the protocols it accepts, in its order; `nil`: it ignores the extension.
  ///   - arguments: more of them, such as `-tls1_2` or `-Verify 1`.
  package static func openSSLServer(
    certificate: String = "server", alpn: String? = "h2", _ arguments: [String] = []
  ) async throws -> (process: PeerProcess, port: Int) {
    let chain = try Certificates.path("\(certificate)-chain.crt")
    let process = try PeerProcess(
      "openssl",
      [
        "s_server", "-accept", "127.0.0.1:0", "-cert", chain, "-cert_chain", chain,
        "-key", try Certificates.path("\(certificate).key"),
      ] + (alpn.map { ["-alpn", $0] } ?? []) + arguments)
    let port = try await process.line(after: "ACCEPT 127.0.0.1:")
    return (process, Int(port) ?? 0)
  }

  /// `openssl s_client`: sends what is written to it, and prints what comes, after a report of the
  /// handshake. It ends with its input, or when the server closes.
  ///
  /// - Parameters:
  ///   - ca: whom to trust, a name among ``Certificates``; a server that fails it is left.
  ///   - alpn: the protocols that it offers; `nil`: none.
  ///   - certificate: the name of `NAME-chain.crt` and `NAME.key`, to show to the server.
  ///   - arguments: more of them, such as `-tls1_2` or `-servername second.example`.
  package static func openSSLClient(
    port: Int, ca: String = "ca.crt", alpn: String? = "h2", certificate: String? = nil,
    _ arguments: [String] = []
  ) throws -> PeerProcess {
    var pair: [String] = []
    if let certificate {
      let chain = try Certificates.path("\(certificate)-chain.crt")
      let key = try Certificates.path("\(certificate).key")
      pair = ["-cert", chain, "-cert_chain", chain, "-key", key]
    }
    return try PeerProcess(
      "openssl",
      [
        "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", try Certificates.path(ca),
        "-verify_return_error",
      ] + (alpn.map { ["-alpn", $0] } ?? []) + pair + arguments)
  }

  /// Posts an empty gRPC message with curl, over HTTP/2 and TLS, and waits for its end.
  ///
  /// - Parameter arguments: more of them, such as `--cert FILE --key FILE`.
  /// - Returns: curl's exit code, and what it prints: the answer's head, body and trailers.
  package static func curl(
    port: Int, path: String, _ arguments: [String] = []
  ) async throws -> (code: Int32, text: String) {
    let process = try PeerProcess(
      "curl",
      [
        "--silent", "--show-error", "--include", "--http2", "--max-time", "60",
        "--cacert", try Certificates.path("ca.crt"), "--connect-to", "::127.0.0.1:",
        "--header", "content-type: application/grpc", "--header", "te: trailers",
        "--data-binary", "@-",
      ] + arguments + ["https://localhost:\(port)\(path)"])
    try process.send("\0\0\0\0\0")
    process.finishInput()
    return await process.end()
  }
}
