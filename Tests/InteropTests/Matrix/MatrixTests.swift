import Foundation
import Testing

import InteropCases
import InteropHostile
import Tern
import TestSupport

/// gRPC's interoperability tests between Tern and others in both directions, in plaintext and over
/// TLS: the matrix. It is printed when all of its cells were run.
@Suite("Interop matrix", .serialized, .timeLimit(.minutes(5)))
struct MatrixTests {
  typealias Security = MatrixCell.Security

  // Spec: W18, W34, W52, W57, W66 (timeout_…, empty_unary, …_compressed_…, special_status_message, …)
  // Spec: W33, W69, W77, W80, W95 (data_frame_padding, rst_…, goaway, max_streams, ping)
  @Test("Tern's client passes gRPC's cases", arguments: MatrixCell.all(client: .tern))
  func ternClient(_ cell: MatrixCell) async throws {
    try await MatrixBoard.shared.note(cell) {
      let security = cell.column.security
      if let hostileCase = HostileCase(rawValue: cell.testCase.rawValue) {
        let fleet = try await Self.fleets[cell.column]
        try await fleet.run(hostileCase) { port in
          try await cell.testCase.run(try Self.setup(port: port, security))
        }
      } else {
        let port = try await Self.port(cell.column.server, security)
        try await cell.testCase.run(try Self.setup(port: port, security))
      }
    }
  }

  // Spec: W34, W52, W57, W66 (empty_unary, …_compressed_…, special_status_message, unimplemented_…)
  @Test("The C++ client passes gRPC's cases", arguments: MatrixCell.all(client: .cpp))
  func cppClient(_ cell: MatrixCell) async throws { try await check(cell, .cpp) }

  // Spec: W34, W57, W66 (empty_unary, special_status_message, unimplemented_…)
  @Test("gRPC Python's client passes gRPC's cases", arguments: MatrixCell.all(client: .grpcio))
  func grpcioClient(_ cell: MatrixCell) async throws { try await check(cell, .grpcio) }

  @Test("The hostile server has the cases that clients have for it")
  func hostileCases() {
    let names = TestCase.all(.hostile).map(\.rawValue)
    #expect(HostileCase.allCases.map(\.rawValue) == names)
  }

  @Test("README and the page on interoperability have the matrix's counts")
  func counts() throws {
    let count = MatrixCell.all.count
    for page in ["README.md", "Docs/Interop.md"] {
      let text = try String(contentsOfFile: "\(PeerProcess.repository)/\(page)", encoding: .utf8)
      #expect(text.contains("\(count) of \(count)"), "\(page) has another count than \(count).")
    }
  }

  // MARK: -

  private struct Address: Sendable, Hashable {
    var side: MatrixCell.Side
    var security: Security
  }

  private struct Running: Sendable {
    var port: Int
    /// It ends with this.
    var server: any Sendable
  }

  /// One server of a kind for all cases.
  private static let servers = Memo<Address, Running> { address in
    switch address.side {
    case .cpp:
      let (process, port) = try await ForeignPeer.cpp.server(address.security)
      return Running(port: port, server: process)
    case .grpcio:
      let (process, port) = try await ForeignPeer.grpcio.server(address.security)
      return Running(port: port, server: process)
    case .tern, .hostile:
      let server = GRPCServer(services: [TestService()])
      let credentials = address.security == .tls ? try TernTLS.server() : .insecure
      let bound = try await server.start(on: .tcp("127.0.0.1", 0), credentials: credentials)
      return Running(port: bound.port ?? 0, server: server)
    }
  }

  private static func port(_ side: MatrixCell.Side, _ security: Security) async throws -> Int {
    try await servers[Address(side: side, security: security)].port
  }

  private static let fleets = Memo<MatrixCell.Column, HostileFleet> { column in
    try await HostileFleet(column.security)
  }

  /// What a foreign client said of all cases of a column. It runs them at once: starting it takes
  /// longer than most cases.
  private static let runs = Memo<MatrixCell.Column, ForeignPeer.Outcome> { column in
    let names = MatrixCell.all.filter { $0.column == column }.map(\.testCase.rawValue)
    let port = try await port(.tern, column.security)
    let peer: ForeignPeer = column.client == .cpp ? .cpp : .grpcio
    return try await peer.runCases(names, port: port, column.security)
  }

  private static func setup(port: Int, _ security: Security) throws -> CaseSetup {
    let credentials =
      security == .tls ? try TernTLS.channel(serverName: ForeignPeer.serverName) : .insecure
    var setup = CaseSetup { try GRPCChannel("127.0.0.1:\(port)", credentials: credentials) }
    // Other suites run at the same time, also under sanitizers.
    setup.soak.maxLatency = .seconds(30)
    setup.concurrentCallCount = 200
    setup.restBetweenCalls = .milliseconds(1)
    return setup
  }

  private func check(_ cell: MatrixCell, _ peer: ForeignPeer) async throws {
    try await MatrixBoard.shared.note(cell) {
      let name = cell.testCase.rawValue
      guard let hostileCase = HostileCase(rawValue: name) else {
        return try await Self.runs[cell.column].expectPassed(name)
      }
      try await Self.fleets[cell.column].run(hostileCase) { port in
        try await peer.runCases([name], port: port, cell.column.security).expectPassed(name)
      }
    }
  }
}
