import Testing

import Tern

/// Tern against gRPC Python, which is C-core inside, in both directions with the same cases.
@Suite("gRPC Python", .serialized, .timeLimit(.minutes(5)))
struct GrpcioTests {
  @Test("Tern's client and gRPC Python's server agree", arguments: InteropCase.all)
  func ternClient(_ interopCase: InteropCase) async throws {
    let channel = try GRPCChannel(try await Grpcio.serverTarget, credentials: .insecure)
    defer { channel.close() }

    try await interopCase.run(EchoClient(channel: channel))
  }

  // One after the other: each starts a Python.
  // Spec: W19, W24, W26, W33, W56, W57, W66, W73 (the same cases from the other side)
  @Test(
    "gRPC Python's client and Tern's server agree", .serialized,
    arguments: try await Grpcio.caseNames())
  func grpcioClient(_ name: String) async throws {
    let outcome = try await withServer { try await Grpcio.runCase(name, port: $0) }

    #expect(outcome.passed, "\(outcome.text)")
  }

  // Spec: W73 (RST_STREAM: the handler is cancelled)
  @Test("A handler knows that gRPC Python's client has given its call up")
  func reason() async throws {
    let (reasons, note) = AsyncStream<CancellationReason>.makeStream()

    let outcome = try await withServer([EchoService(onCancel: { note.yield($0) })]) { port in
      try await Grpcio.runCase("cancel_unary", port: port)
    }

    #expect(outcome.passed, "\(outcome.text)")
    var iterator = reasons.makeAsyncIterator()
    #expect(await iterator.next() == .peer)
  }

  @Test("Both directions have the same cases")
  func sameCases() async throws {
    let ternCases = Set(InteropCase.all.map(\.name))
    let grpcioCases = Set(try await Grpcio.caseNames())

    #expect(ternCases == grpcioCases)
  }

  // Proves the cases themselves; what then fails above is ours.
  @Test("Tern's client and Tern's server agree", arguments: InteropCase.all)
  func ternBoth(_ interopCase: InteropCase) async throws {
    try await withServer { port in
      let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: .insecure)
      defer { channel.close() }
      try await interopCase.run(EchoClient(channel: channel))
    }
  }
}
