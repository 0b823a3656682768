import TestSupport

/// C++ programs on Debian's libgrpc++ as the other side: cases of gRPC's own interoperability
/// tests. Unlike gRPC Python they see whether a message was compressed.
enum Cpp {
  /// The cases that are about which messages are compressed.
  static let compressionCaseNames = [
    "client_compressed_unary", "server_compressed_unary", "client_compressed_streaming",
    "server_compressed_streaming",
  ]

  struct Server: Sendable {
    fileprivate let process: PeerProcess
    let port: Int

    /// All that it has printed so far.
    var text: String { process.text }
  }

  /// Starts a server, which ends with the object that is returned.
  ///
  /// - Parameter certificate: the name of `NAME-chain.crt` and `NAME.key` among ``Certificates``;
  ///   `nil`: plaintext.
  static func server(certificate: String? = nil) async throws -> Server {
    var arguments = ["--port=0"]
    if let certificate {
      arguments += [
        "--use_tls", "--cert=\(try Certificates.path("\(certificate)-chain.crt"))",
        "--key=\(try Certificates.path("\(certificate).key"))",
      ]
    }
    let process = try PeerProcess(try await path("interop_server"), arguments)
    let port = try await process.line(after: "Listening on 127.0.0.1:")
    return Server(process: process, port: Int(port) ?? 0)
  }

  /// Lets its client put one case to the server on `port`.
  ///
  /// - Parameter ca: the authority to trust, a name of ``Certificates``; `nil`: plaintext.
  /// - Returns: whether the case passed, and all that the client said.
  static func runCase(
    _ name: String, port: Int, ca: String? = nil, hostOverride: String? = nil
  ) async throws -> (passed: Bool, text: String) {
    var arguments = ["--server_port=\(port)", "--test_case=\(name)"]
    if let ca { arguments += ["--use_tls", "--ca=\(try Certificates.path(ca))"] }
    if let hostOverride { arguments.append("--server_host_override=\(hostOverride)") }
    let (code, text) = try await PeerProcess.run(try await path("interop_client"), arguments)
    return (code == 0, text)
  }

  /// Where a program of Tests/Peers/cpp is, built.
  static func path(_ program: String) async throws -> String {
    try await folder.value + "/" + program
  }

  /// Built once; with programs that are fresh the script does nothing.
  private static let folder = Task {
    let script = "\(PeerProcess.repository)/Scripts/cpp-peers"
    let (code, text) = try await PeerProcess.run(script, [])
    guard code == 0 else { throw PeerProcess.Failure(description: text) }
    return "\(PeerProcess.repository)/.build-peers"
  }
}
