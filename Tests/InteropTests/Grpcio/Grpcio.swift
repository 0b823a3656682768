/// gRPC Python as the other side.
enum Grpcio {
  /// The address of a server that all tests share. It ends with them.
  static var serverTarget: String {
    get async throws { try await server.value.target }
  }

  private static let server = Task {
    let process = try PeerProcess("peer_server.py", ["--port", "0"])
    return (process: process, target: try await process.line(after: "Listening on "))
  }

  /// The names of the cases that its client knows.
  static func caseNames() async throws -> [String] {
    let (code, text) = try await PeerProcess("peer_client.py", ["--list"]).end()
    guard code == 0 else { throw PeerProcess.Failure(description: text) }
    return text.split(separator: "\n").map(String.init)
  }

  /// Lets its client put one case to the server on `port`.
  ///
  /// - Returns: whether the case passed, and all that the client said.
  static func runCase(
    _ name: String, port: Int, _ options: String...
  ) async throws -> (passed: Bool, text: String) {
    let arguments = ["--target", "127.0.0.1:\(port)", "--case", name] + options
    let (code, text) = try await PeerProcess("peer_client.py", arguments).end()
    return (code == 0, text)
  }
}
