import Testing

import TestSupport

/// gRPC Python against itself: what then fails against Tern is ours.
@Suite("gRPC Python over TLS", .serialized, .timeLimit(.minutes(5)))
struct GrpcioPeerTests {
  @Test("Its client and its server agree over TLS, also when both compress")
  func tls() async throws {
    let server = try await Grpcio.server(
      Grpcio.ServerSetup(certificate: "server", compression: .deflate))
    let setup = Grpcio.ClientSetup(
      ca: "ca.crt", hostOverride: "foo.test.google.fr", compression: .gzip)

    let outcome = try await Grpcio.runCase("bidi", port: server.port, setup: setup)

    #expect(outcome.passed, "\(outcome.text)\(server.text)")
  }

  @Test(
    "Whether its messages are compressed is seen by a relay in between",
    arguments: Grpcio.Compression.allCases)
  func relay(_ compression: Grpcio.Compression) async throws {
    let server = try await Grpcio.server(Grpcio.ServerSetup(compression: compression))
    let relay = try RecordingRelay(to: server.port)
    let setup = Grpcio.ClientSetup(compression: compression)

    let outcome = try await Grpcio.runCase("unary_1_mib", port: relay.port, setup: setup)

    #expect(outcome.passed, "\(outcome.text)\(server.text)")
    for direction in RecordingRelay.Direction.allCases {
      let stream = try #require(try relay.streams(direction).first)
      let encoding = stream.head.first("grpc-encoding") ?? "none"
      #expect(encoding.replacing("identity", with: "none") == compression.rawValue)
      #expect(stream.framedMessages.map(\.isCompressed) == [compression != .none])
    }
  }

  @Test("Its server tells what a client's certificate says")
  func who() async throws {
    let server = try await Grpcio.server(.mutualTLS)

    let lines = try await Grpcio.who(port: server.port, setup: .mutualTLS)

    #expect(lines.contains("x509_common_name: test client"), "\(lines)")
    #expect(lines.contains("x509_subject_alternative_name: spiffe://tern.test/client"))
  }

  @Test(
    "A wrong authority, a wrong host and a missing certificate fail",
    arguments: [
      Grpcio.ClientSetup(ca: "unknown-ca.crt", certificate: "client"),
      Grpcio.ClientSetup(ca: "ca.crt", certificate: "client", hostOverride: "elsewhere.example"),
      Grpcio.ClientSetup(ca: "ca.crt"),
      Grpcio.ClientSetup(ca: "ca.crt", certificate: "unknown-client"),
    ])
  func refused(_ setup: Grpcio.ClientSetup) async throws {
    let server = try await Grpcio.server(.mutualTLS)

    let outcome = try await Grpcio.runCase("unary", port: server.port, setup: setup)

    #expect(!outcome.passed)
    #expect(outcome.text.contains("UNAVAILABLE"), "\(outcome.text)")
  }
}
