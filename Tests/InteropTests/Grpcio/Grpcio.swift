import TestSupport

/// gRPC Python as the other side.
enum Grpcio {
  /// The address of a plaintext server that all tests share. It ends with them.
  static var serverTarget: String {
    get async throws { try await sharedServer.value.target }
  }

  private static let sharedServer = Task { try await server(ServerSetup()) }

  /// Starts a server, which ends with the object that is returned.
  static func server(_ setup: ServerSetup) async throws -> Server {
    let process = try peer("peer_server.py", ["--port", "0"] + setup.arguments())
    return Server(process: process, target: try await process.line(after: "Listening on "))
  }

  /// The names of the cases that its client knows.
  static func caseNames() async throws -> [String] {
    let (code, text) = try await peer("peer_client.py", ["--list"]).end()
    guard code == 0 else { throw PeerProcess.Failure(description: text) }
    return text.split(separator: "\n").map(String.init)
  }

  /// Lets its client put one case to the server on `port`.
  ///
  /// - Returns: whether the case passed, and all that the client said.
  static func runCase(
    _ name: String, port: Int, setup: ClientSetup = ClientSetup()
  ) async throws -> (passed: Bool, text: String) {
    let arguments = ["--target", "127.0.0.1:\(port)", "--case", name] + (try setup.arguments())
    let (code, text) = try await peer("peer_client.py", arguments).end()
    return (code == 0, text)
  }

  /// Lets its client ask the server on `port` who it is.
  ///
  /// - Returns: what the server answered, line by line: of a gRPC Python server `NAME: VALUE`, such
  ///   as `x509_common_name: …` and `x509_subject_alternative_name: …`.
  static func who(port: Int, setup: ClientSetup) async throws -> [String] {
    let arguments = ["--target", "127.0.0.1:\(port)", "--who"] + (try setup.arguments())
    let (code, text) = try await peer("peer_client.py", arguments).end()
    guard code == 0 else { throw PeerProcess.Failure(description: text) }
    return text.split(separator: "\n").map(String.init)
  }

  /// A program of Tests/Peers, which ends when its standard input does.
  static func peer(_ script: String, _ arguments: [String]) throws -> PeerProcess {
    try PeerProcess(
      "\(PeerProcess.repository)/.venv/bin/python",
      ["\(PeerProcess.repository)/Tests/Peers/\(script)"] + arguments,
      // Leaves no __pycache__ behind, and writes lines at once.
      environment: ["PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"])
  }
}

extension Grpcio {
  struct Server: Sendable {
    fileprivate let process: PeerProcess
    /// Where to connect to.
    let target: String

    var port: Int { Int(target.split(separator: ":").last ?? "") ?? 0 }
    /// All that it has printed so far.
    var text: String { process.text }
  }

  enum Compression: String, CaseIterable, Sendable { case none, gzip, deflate }

  /// How its server speaks. Files are names of ``Certificates``.
  struct ServerSetup: Sendable {
    /// The name of `NAME-chain.crt` and `NAME.key`; `nil`: plaintext.
    var certificate: String?
    /// Requires clients' certificates of this authority.
    var clientCA: String?
    /// Of responses, to a client that accepts it.
    var compression = Compression.none

    static let tls = ServerSetup(certificate: "server")
    static let mutualTLS = ServerSetup(certificate: "server", clientCA: "ca.crt")

    fileprivate func arguments() throws -> [String] {
      try pairArguments("--tls-chain", "--tls-key", of: certificate)
        + fileArguments("--client-ca", clientCA) + ["--compression", compression.rawValue]
    }
  }

  /// How its client speaks. Files are names of ``Certificates``.
  struct ClientSetup: Sendable {
    /// The authority to trust; `nil`: plaintext.
    var ca: String?
    /// The name of `NAME-chain.crt` and `NAME.key`, to show to the server.
    var certificate: String?
    /// The name that the server's certificate has to have instead of the target's.
    var hostOverride: String?
    /// Of requests.
    var compression = Compression.none
    /// Lets the server compress no responses.
    var acceptsNothing = false

    static let tls = ClientSetup(ca: "ca.crt")
    static let mutualTLS = ClientSetup(ca: "ca.crt", certificate: "client")

    fileprivate func arguments() throws -> [String] {
      try fileArguments("--ca", ca) + pairArguments("--chain", "--key", of: certificate)
        + (hostOverride.map { ["--host-override", $0] } ?? [])
        + (acceptsNothing ? ["--accept-nothing"] : [])
        + ["--compression", compression.rawValue]
    }
  }
}

private func fileArguments(_ option: String, _ name: String?) throws -> [String] {
  guard let name else { return [] }
  return [option, try Certificates.path(name)]
}

private func pairArguments(
  _ chainOption: String, _ keyOption: String, of name: String?
) throws -> [String] {
  guard let name else { return [] }
  return try fileArguments(chainOption, "\(name)-chain.crt")
    + fileArguments(keyOption, "\(name).key")
}
