import Testing

import InteropCases
import TestSupport

/// The C++ peers against each other: what then fails against Tern is ours.
@Suite("C++ peers", .serialized, .timeLimit(.minutes(5)))
struct CppPeerTests {
  @Test("Its client and its server agree over TLS")
  func tls() async throws {
    let server = try await Cpp.server(certificate: "server")
    let names = TestCase.all(.core).map(\.rawValue).joined(separator: ",")

    let outcome = try await Cpp.runCase(
      names, port: server.port, ca: "ca.crt", hostOverride: "foo.test.google.fr")

    #expect(outcome.passed, "\(outcome.text)\(server.text)")
  }

  @Test(
    "A relay sees the flags that the cases are about",
    arguments: [
      ("client_compressed_unary", [[false], [true], [false]], [[], [false], [false]]),
      ("server_compressed_unary", [[false], [false]], [[true], [false]]),
      ("client_compressed_streaming", [[false], [true, false]], [[], [false]]),
      ("server_compressed_streaming", [[false]], [[true, false]]),
    ])
  func flags(name: String, requests: [[Bool]], responses: [[Bool]]) async throws {
    let server = try await Cpp.server()
    let relay = try RecordingRelay(to: server.port)

    let outcome = try await Cpp.runCase(name, port: relay.port)

    #expect(outcome.passed, "\(outcome.text)\(server.text)")
    #expect(try relay.messages(.toServer).map { $0.map(\.isCompressed) } == requests)
    #expect(try relay.messages(.toClient).map { $0.map(\.isCompressed) } == responses)
  }

  @Test("A server of an unknown authority, and one that speaks plaintext, are refused")
  func refused() async throws {
    let tls = try await Cpp.server(certificate: "unknown")
    let plaintext = try await Cpp.server()

    for server in [tls, plaintext] {
      let outcome = try await Cpp.runCase("empty_unary", port: server.port, ca: "ca.crt")
      #expect(!outcome.passed)
      #expect(outcome.text.contains("saw 14"), "\(outcome.text)")
    }
  }
}
