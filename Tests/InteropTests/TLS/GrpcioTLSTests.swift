import Tern
import TestSupport
import Testing

/// The same cases as in plaintext, over TLS, in both directions; then what must fail.
@Suite("gRPC Python and Tern over TLS", .serialized, .timeLimit(.minutes(5)))
struct GrpcioTLSTests {
  private static let server = Task { try await Grpcio.server(.mutualTLS) }

  @Test("Tern's client and gRPC Python's server agree", arguments: InteropCase.all)
  func ternClient(_ interopCase: InteropCase) async throws {
    let target = try await Self.server.value.target
    let channel = try GRPCChannel(target, credentials: TernTLS.channel(identity: "client"))
    defer { channel.close() }

    try await interopCase.run(EchoClient(channel: channel))
  }

  // Some of each kind; all of them would start as many Pythons again.
  @Test(
    "gRPC Python's client and Tern's server agree", .serialized,
    arguments: ["unary", "unary_1_mib", "bidi", "client_stream", "server_stream"])
  func grpcioClient(_ name: String) async throws {
    let outcome = try await withServer(credentials: TernTLS.server(clientCA: "ca.crt")) {
      try await Grpcio.runCase(name, port: $0, setup: .mutualTLS)
    }

    #expect(outcome.passed, "\(outcome.text)")
  }

  @Test("gRPC Python sees Tern's certificate as Tern wants it to")
  func who() async throws {
    let target = try await Self.server.value.target
    let channel = try GRPCChannel(target, credentials: TernTLS.channel(identity: "client"))
    defer { channel.close() }
    let who = RPCMethod<[UInt8], [UInt8]>(
      MethodDescriptor(service: "tern.test.Echo", method: "Who", kind: .unary),
      requestCodec: .bytes, responseCodec: .bytes)

    let text = String(decoding: try await UnaryCallable(channel, who)([]), as: UTF8.self)

    #expect(text.contains("x509_common_name: test client"))
    #expect(text.contains("spiffe://tern.test/client"))
  }

  @Test(
    "gRPC Python's client refuses Tern's server, and is refused, where it must",
    arguments: [
      Grpcio.ClientSetup(ca: "unknown-ca.crt", certificate: "client"),
      Grpcio.ClientSetup(ca: "ca.crt", certificate: "client", hostOverride: "elsewhere.example"),
      Grpcio.ClientSetup(ca: "ca.crt"),
      Grpcio.ClientSetup(ca: "ca.crt", certificate: "unknown-client"),
      Grpcio.ClientSetup(),
    ])
  func refusedClient(_ setup: Grpcio.ClientSetup) async throws {
    let outcome = try await withServer(credentials: TernTLS.server(clientCA: "ca.crt")) {
      try await Grpcio.runCase("unary", port: $0, setup: setup)
    }

    #expect(!outcome.passed)
    #expect(outcome.text.contains("UNAVAILABLE"), "\(outcome.text)")
  }

  @Test("Tern's client refuses gRPC Python's server, and is refused, where it must")
  func refusedServer() async throws {
    let target = try await Self.server.value.target
    let wrong: [(ChannelCredentials, String)] = [
      (try TernTLS.channel(ca: "unknown-ca.crt", identity: "client"), "roots"),
      (try TernTLS.channel(identity: "client", serverName: "elsewhere.example"), "was expected"),
      (try TernTLS.channel(), "certificate"),
      (try TernTLS.channel(identity: "unknown-client"), "certificate"),
      (.insecure, "lost"),
    ]
    for (credentials, words) in wrong {
      let channel = try GRPCChannel(target, credentials: credentials)
      let error = await #expect(throws: RPCError.self) {
        try await EchoClient(channel: channel).unary([1])
      }
      channel.close()
      #expect(error?.code == .unavailable)
      #expect(error?.message.contains(words) == true, "\(error as Any)")
    }
  }
}
