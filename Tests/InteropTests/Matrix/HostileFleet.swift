import InteropHostile
import TestSupport

/// A hostile server for each of its cases, in plaintext or behind a relay that takes TLS off.
struct HostileFleet: Sendable {
  private let servers: [HostileCase: HostileServer]
  /// Where clients connect to, by the port of the server.
  private let ports: [Int: Int]
  /// Ends with the last copy of the fleet.
  private let relay: PeerProcess?

  init(_ security: MatrixCell.Security) async throws {
    var servers: [HostileCase: HostileServer] = [:]
    for hostileCase in HostileCase.allCases {
      servers[hostileCase] = try HostileServer(hostileCase)
    }
    self.servers = servers
    let own = servers.values.map(\.port)
    var ports: [Int: Int] = [:]
    switch security {
    case .plaintext:
      relay = nil
      for port in own { ports[port] = port }
    case .tls:
      let relay = try Grpcio.peer(
        "tls_relay.py",
        own.flatMap { ["--to", "\($0)"] } + [
          "--cert", Certificates.path("server-chain.crt"), "--key", Certificates.path("server.key"),
        ])
      self.relay = relay
      for port in own { ports[port] = Int(try await relay.line(after: "\(port) is at 127.0.0.1:")) }
    }
    self.ports = ports
  }

  /// Lets a client loose on the server of a case, and waits until that has seen the client leave.
  ///
  /// - Throws: what the client did wrong, in its own eyes or in the server's.
  func run(_ hostileCase: HostileCase, _ client: (Int) async throws -> Void) async throws {
    guard let server = servers[hostileCase], let port = ports[server.port] else {
      throw PeerProcess.Failure(description: "No server has the case \(hostileCase).")
    }
    try await client(port)
    try await server.finish()
  }
}
