import Testing

import InteropCases
import Tern
import TestSupport

/// The cases about compression between Tern and C++ in both directions, watched by a relay: what
/// travels, and not what either side makes of it.
@Suite("Tern and C++", .serialized, .timeLimit(.minutes(5)))
struct CppInteropTests {
  /// The compressed flag of each message of each call, as the cases want it.
  struct Flags: Sendable {
    var name: String
    var requests: [[Bool]]
    var responses: [[Bool]]
  }

  static let flags = [
    Flags(
      name: "client_compressed_unary", requests: [[false], [true], [false]],
      responses: [[], [false], [false]]),
    Flags(
      name: "server_compressed_unary", requests: [[false], [false]], responses: [[true], [false]]),
    Flags(
      name: "client_compressed_streaming", requests: [[false], [true, false]],
      responses: [[], [false]]),
    Flags(
      name: "server_compressed_streaming", requests: [[false]], responses: [[true, false]]),
  ]

  // Spec: W44, W52 (compression: gRPC's own cases)
  @Test("Tern's client passes on the C++ server")
  func ternToCpp() async throws {
    let server = try await Cpp.server()
    for name in Cpp.compressionCaseNames {
      try await watch(name, serverPort: server.port) { port in try await runTern(name, port: port) }
    }
  }

  // Spec: W44, W52 (compression: gRPC's own cases)
  @Test("The C++ client passes on Tern's server", arguments: Cpp.compressionCaseNames)
  func cppToTern(_ name: String) async throws {
    try await withServer([TestService()]) { serverPort in
      try await watch(name, serverPort: serverPort) { port in
        let outcome = try await Cpp.runCase(name, port: port)
        #expect(outcome.passed, "\(outcome.text)")
      }
    }
  }

  @Test("Tern's client passes on Tern's server")
  func ternToTern() async throws {
    try await withServer([TestService()]) { serverPort in
      for name in Cpp.compressionCaseNames {
        try await watch(name, serverPort: serverPort) { port in
          try await runTern(name, port: port)
        }
      }
    }
  }

  // MARK: -

  private func runTern(_ name: String, port: Int) async throws {
    let testCase = try #require(TestCase(rawValue: name))
    try await testCase.run(
      CaseSetup { try GRPCChannel("127.0.0.1:\(port)", credentials: .insecure) })
  }

  /// Runs a case through a relay, and holds what it has seen against what the case is about.
  private func watch(
    _ name: String, serverPort: Int, _ run: (Int) async throws -> Void
  ) async throws {
    let relay = try RecordingRelay(to: serverPort)
    try await run(relay.port)
    guard let flags = Self.flags.first(where: { $0.name == name }) else { return }
    #expect(try relay.messages(.toServer).map { $0.map(\.isCompressed) } == flags.requests)
    #expect(try relay.messages(.toClient).map { $0.map(\.isCompressed) } == flags.responses)
  }
}
