import TestSupport

/// The programs of gRPC's interoperability tests in another language, which understand the same
/// flags: those of Tests/Peers.
enum ForeignPeer: Sendable, Hashable {
  case cpp, grpcio

  /// The name in the server's certificate by which the cases over TLS go.
  static let serverName = "foo.test.google.fr"

  /// Starts a server, which ends with the object that is returned.
  func server(_ security: MatrixCell.Security) async throws -> (process: PeerProcess, port: Int) {
    var arguments = ["--port=0"]
    if security == .tls {
      arguments += [
        "--use_tls=true", "--cert=\(try Certificates.path("server-chain.crt"))",
        "--key=\(try Certificates.path("server.key"))",
      ]
    }
    let process = try await start("interop_server", arguments)
    let port = try await process.line(after: "Listening on 127.0.0.1:")
    return (process, Int(port) ?? 0)
  }

  /// Lets its client put cases to the server on `port`, one after the other.
  func runCases(
    _ names: [String], port: Int, _ security: MatrixCell.Security
  ) async throws -> Outcome {
    var arguments = [
      "--server_port=\(port)", "--test_case=\(names.joined(separator: ","))",
      // Other suites run at the same time, also under sanitizers.
      "--soak_per_iteration_max_acceptable_latency_ms=30000", "--concurrent_calls=200",
    ]
    if security == .tls {
      arguments += [
        "--use_tls=true", "--ca=\(try Certificates.path("ca.crt"))",
        "--server_host_override=\(Self.serverName)",
      ]
    }
    let client = try await start("interop_client", arguments)
    client.finishInput()
    let (_, text) = await client.end()
    return Outcome(text: text)
  }

  /// What a client said.
  struct Outcome: Sendable {
    let text: String

    /// - Throws: what was wrong in a case, unless that has passed.
    func expectPassed(_ name: String) throws {
      let lines = text.split(separator: "\n").filter { $0.hasPrefix("\(name): ") }
      if lines == ["\(name): passed"] { return }
      throw PeerProcess.Failure(description: lines.isEmpty ? text : lines.joined(separator: "\n"))
    }
  }

  private func start(_ program: String, _ arguments: [String]) async throws -> PeerProcess {
    switch self {
    case .cpp: try PeerProcess(try await Cpp.path(program), arguments)
    case .grpcio: try Grpcio.peer("\(program).py", arguments)
    }
  }
}
