import Testing

import InteropCases
import InteropProtos
import Tern

/// Tern's client on servers that fail the cases: one that sees nothing wrong proves nothing.
@Suite("Interop cases on wrong servers", .timeLimit(.minutes(1)))
struct FailingServerTests {
  private func expectFailure(
    _ testCase: TestCase, on services: [any RPCService],
    options: ChannelOptions = ChannelOptions()
  ) async throws {
    try await withServer(services) { port in
      let setup = CaseSetup(concurrentCallCount: 10) {
        try GRPCChannel("127.0.0.1:\(port)", credentials: .insecure, options: options)
      }
      await #expect(throws: TestCase.Failure.self) { try await testCase.run(setup) }
    }
  }

  /// Not those that want nothing else, and those in which the client's own end may come first.
  private static let needingTheService = (TestCase.all(.core) + TestCase.all(.load)).filter {
    switch $0 {
    case .unimplementedMethod, .unimplementedService, .cancelAfterBegin, .timeoutOnSleepingServer:
      false
    default: true
    }
  }

  @Test("Without the service each case that needs it fails", arguments: needingTheService)
  func noService(_ testCase: TestCase) async throws { try await expectFailure(testCase, on: []) }

  /// Not those that want nothing else, and those in which the client's own end may come first.
  private static let needingAnswers = needingTheService.filter {
    $0 != .emptyUnary && $0 != .emptyStream
  }

  @Test(
    "With a service that answers with nothing each case fails that wants something, or an error",
    arguments: needingAnswers + [.unimplementedMethod])
  func emptyAnswers(_ testCase: TestCase) async throws {
    try await expectFailure(testCase, on: [EmptyAnswers()])
  }

  @Test(
    "That a server does not compress is seen",
    arguments: [TestCase.serverCompressedUnary, .serverCompressedStreaming])
  func plainResponses(_ testCase: TestCase) async throws {
    // This client accepts nothing compressed, and so gets nothing.
    var options = ChannelOptions()
    options.acceptedCompression = []
    try await expectFailure(testCase, on: [TestService()], options: options)
  }

  @Test(
    "That a server resets nothing is seen",
    arguments: [TestCase.resetAfterHeader, .resetDuringData, .resetAfterData])
  func noReset(_ testCase: TestCase) async throws {
    try await expectFailure(testCase, on: [TestService()])
  }
}

/// Says OK to everything, with empty messages or none, and does nothing that it is asked for.
private struct EmptyAnswers: Grpc_Testing_TestService.Service {
  func emptyCall(
    _ request: Grpc_Testing_Empty, context: ServerContext
  ) async throws -> Grpc_Testing_Empty { .init() }

  func unaryCall(
    _ request: Grpc_Testing_SimpleRequest, context: ServerContext
  ) async throws -> Grpc_Testing_SimpleResponse { .init() }

  func cacheableUnaryCall(
    _ request: Grpc_Testing_SimpleRequest, context: ServerContext
  ) async throws -> Grpc_Testing_SimpleResponse { .init() }

  func streamingOutputCall(
    _ request: Grpc_Testing_StreamingOutputCallRequest,
    responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, context: ServerContext
  ) async throws {}

  func streamingInputCall(
    _ requests: RequestStream<Grpc_Testing_StreamingInputCallRequest>, context: ServerContext
  ) async throws -> Grpc_Testing_StreamingInputCallResponse {
    for try await _ in requests {}
    return .init()
  }

  func fullDuplexCall(
    _ requests: RequestStream<Grpc_Testing_StreamingOutputCallRequest>,
    responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    for try await _ in requests { try await responses.send(.init()) }
  }

  func halfDuplexCall(
    _ requests: RequestStream<Grpc_Testing_StreamingOutputCallRequest>,
    responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, context: ServerContext
  ) async throws {}

  func unimplementedCall(
    _ request: Grpc_Testing_Empty, context: ServerContext
  ) async throws -> Grpc_Testing_Empty { .init() }
}
