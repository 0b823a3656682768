import Testing

import InteropCases
import Tern
import TestSupport

/// gRPC's own interoperability cases between Tern and C++ in both directions.
@Suite("Tern and C++", .serialized, .timeLimit(.minutes(5)))
struct CppInteropTests {
  /// The name in the server's certificate by which the cases over TLS go.
  private static let name = "foo.test.google.fr"

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

  @Test("Tern knows the cases that the C++ peers know")
  func cases() { #expect(Set(TestCase.allCases.map(\.rawValue)) == Set(Cpp.caseNames)) }

  // MARK: Plaintext, watched by a relay

  // Spec: W44, W52 (compression: gRPC's own cases)
  @Test("Tern's client passes on the C++ server")
  func ternToCpp() async throws {
    let server = try await Cpp.server()
    for name in Cpp.caseNames {
      try await watch(name, serverPort: server.port) { port in try await runTern(name, port: port) }
    }
  }

  // Spec: W44, W52 (compression: gRPC's own cases)
  @Test("The C++ client passes on Tern's server", arguments: Cpp.caseNames)
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
      for name in Cpp.caseNames {
        try await watch(name, serverPort: serverPort) { port in
          try await runTern(name, port: port)
        }
      }
    }
  }

  // MARK: TLS

  @Test("Tern's client passes on the C++ server over TLS")
  func ternToCppOverTLS() async throws {
    let server = try await Cpp.server(certificate: "server")
    for name in Cpp.caseNames { try await runTern(name, port: server.port, overTLS: true) }
  }

  @Test("The C++ client passes on Tern's server over TLS", arguments: Cpp.caseNames)
  func cppToTernOverTLS(_ name: String) async throws {
    try await withServer([TestService()], credentials: TernTLS.server()) { port in
      let outcome = try await Cpp.runCase(
        name, port: port, ca: "ca.crt", hostOverride: Self.name)
      #expect(outcome.passed, "\(outcome.text)")
    }
  }

  @Test("Tern's client passes on Tern's server over TLS")
  func ternToTernOverTLS() async throws {
    try await withServer([TestService()], credentials: TernTLS.server()) { port in
      for name in Cpp.caseNames { try await runTern(name, port: port, overTLS: true) }
    }
  }

  // MARK: A server that fails the cases

  @Test(
    "Tern's client sees that a server does not compress",
    arguments: [
      TestCase.serverCompressedUnary, .serverCompressedStreaming,
    ])
  func seesPlainResponses(_ testCase: TestCase) async throws {
    try await withServer([TestService()]) { port in
      // This client accepts nothing compressed, and so gets nothing.
      var options = ChannelOptions()
      options.acceptedCompression = []
      let channel = try GRPCChannel(
        "127.0.0.1:\(port)", credentials: .insecure, options: options)
      defer { channel.close() }
      await #expect(throws: TestCase.Failure.self) { try await testCase.run(on: channel) }
    }
  }

  @Test("A size below zero is refused")
  func sizeBelowZero() async throws {
    // Field 2, response_size, is -1.
    let request: [UInt8] = [0x10] + [UInt8](repeating: 0xFF, count: 9) + [0x01]
    try await withServer([TestService()]) { port in
      let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: .insecure)
      defer { channel.close() }
      let method = RPCMethod<[UInt8], [UInt8]>(
        MethodDescriptor(service: "grpc.testing.TestService", method: "UnaryCall", kind: .unary),
        requestCodec: .bytes, responseCodec: .bytes)
      let error = await #expect(throws: RPCError.self) {
        _ = try await UnaryCallable(channel, method)(request)
      }
      #expect(error?.code == .invalidArgument)
    }
  }

  // MARK: -

  private func runTern(_ name: String, port: Int, overTLS: Bool = false) async throws {
    let credentials: ChannelCredentials =
      overTLS ? try TernTLS.channel(serverName: Self.name) : .insecure
    let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: credentials)
    defer { channel.close() }
    let testCase = try #require(TestCase(rawValue: name))
    try await testCase.run(on: channel)
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
