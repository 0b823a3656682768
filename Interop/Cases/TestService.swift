internal import Foundation
internal import InteropProtos
public import Tern

/// The service of gRPC's interoperability tests. A method that is not listed is UNIMPLEMENTED, as
/// the cases want it of some.
///
/// Source: <https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md>
public struct TestService: RPCService {
  private typealias Methods = Grpc_Testing_TestService.Methods

  public init() {}

  public var serverMethods: [ServerMethod] {
    [
      .unary(Methods.emptyCall) { _, _ in Grpc_Testing_Empty() },
      .unary(Methods.unaryCall, unaryCall),
      .clientStreaming(Methods.streamingInputCall, streamingInputCall),
      .serverStreaming(Methods.streamingOutputCall, streamingOutputCall),
    ]
  }

  private func unaryCall(
    request: Grpc_Testing_SimpleRequest, context: ServerContext
  ) async throws -> Grpc_Testing_SimpleResponse {
    if request.hasExpectCompressed {
      try check(
        isCompressed: context.compressedRequestCount > 0, expected: request.expectCompressed)
    }
    if request.hasResponseCompressed {
      try await context.setResponseCompression(request.responseCompressed.value ? .gzip : .identity)
    }
    let payload = try payload(bytes: request.responseSize)
    return .with { $0.payload = payload }
  }

  private func streamingInputCall(
    requests: RequestStream<Grpc_Testing_StreamingInputCallRequest>, context: ServerContext
  ) async throws -> Grpc_Testing_StreamingInputCallResponse {
    var payloadBytes = 0
    var compressedCount = 0
    for try await request in requests {
      let isCompressed = context.compressedRequestCount > compressedCount
      compressedCount = context.compressedRequestCount
      if request.hasExpectCompressed {
        try check(isCompressed: isCompressed, expected: request.expectCompressed)
      }
      payloadBytes += request.payload.body.count
    }
    // Clamped: a client may go on for as long as it likes.
    return .with { $0.aggregatedPayloadSize = Int32(clamping: payloadBytes) }
  }

  private func streamingOutputCall(
    request: Grpc_Testing_StreamingOutputCallRequest,
    responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    // The algorithm goes with the head, before the first message; a message may then opt out.
    if request.responseParameters.contains(where: \.compressed.value) {
      try await context.setResponseCompression(.gzip)
    }
    for parameters in request.responseParameters {
      let payload = try payload(bytes: parameters.size)
      // Without a wish of the client's it is as the server's options say.
      let compresses = !parameters.hasCompressed || parameters.compressed.value
      try await responses.send(.with { $0.payload = payload }, compress: compresses)
    }
  }

  private func check(isCompressed: Bool, expected: Grpc_Testing_BoolValue) throws(RPCError) {
    if isCompressed == expected.value { return }
    throw RPCError(
      .invalidArgument, "The request came \(isCompressed ? "compressed" : "plain"), unexpectedly.")
  }

  private func payload(bytes: Int32) throws(RPCError) -> Grpc_Testing_Payload {
    guard bytes >= 0 else { throw RPCError(.invalidArgument, "A size is below zero.") }
    return .with { $0.body = Data(count: Int(bytes)) }
  }
}
