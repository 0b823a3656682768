internal import Foundation
internal import InteropProtos
public import Tern

/// The service of gRPC's interoperability tests. A method that is not listed is UNIMPLEMENTED, as
/// the cases want it of some.
///
/// Leaves out CacheableUnaryCall, OAuth scopes and ORCA's reports, whose cases need a caching proxy,
/// Google's cloud and a balancing policy.
///
/// Source: <https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md>
public struct TestService: RPCService {
  private typealias Methods = Grpc_Testing_TestService.Methods

  /// The largest payload that a client may ask for, in bytes: it costs the client a few bytes, and
  /// the server all of them. 64 MiB.
  public var maxPayloadBytes = 64 << 20
  /// How many responses a client may order by HalfDuplexCall, which notes them until the client's side
  /// has ended. 10,000.
  public var maxNotedResponses = 10_000

  /// No other server has it.
  private let serverID = UUID().uuidString

  public init() {}

  public var serverMethods: [ServerMethod] {
    [
      .unary(Methods.emptyCall) { _, context in
        try echoMetadata(context)
        return Grpc_Testing_Empty()
      },
      .unary(Methods.unaryCall, unaryCall),
      .clientStreaming(Methods.streamingInputCall, streamingInputCall),
      .serverStreaming(Methods.streamingOutputCall, streamingOutputCall),
      .bidirectional(Methods.fullDuplexCall, fullDuplexCall),
      .bidirectional(Methods.halfDuplexCall, halfDuplexCall),
    ]
  }

  private func unaryCall(
    request: Grpc_Testing_SimpleRequest, context: ServerContext
  ) async throws -> Grpc_Testing_SimpleResponse {
    if request.hasExpectCompressed {
      try check(
        isCompressed: context.compressedRequestCount > 0, expected: request.expectCompressed)
    }
    try echoMetadata(context)
    if request.hasResponseStatus { try answer(request.responseStatus) }
    if request.hasResponseCompressed {
      try await context.setResponseCompression(request.responseCompressed.value ? .gzip : .identity)
    }
    let payload = try payload(bytes: request.responseSize)
    return .with { response in
      response.payload = payload
      if request.fillUsername { response.username = username(context) }
      if request.fillServerID { response.serverID = serverID }
    }
  }

  private func streamingInputCall(
    requests: RequestStream<Grpc_Testing_StreamingInputCallRequest>, context: ServerContext
  ) async throws -> Grpc_Testing_StreamingInputCallResponse {
    try echoMetadata(context)
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
    request: Grpc_Testing_StreamingOutputCallRequest, responses: ResponseWriter<Response>,
    context: ServerContext
  ) async throws {
    try echoMetadata(context)
    if request.hasResponseStatus { try answer(request.responseStatus) }
    try await chooseCompression(request.responseParameters, context)
    try await send(request.responseParameters, to: responses, context)
  }

  private func fullDuplexCall(
    requests: RequestStream<Grpc_Testing_StreamingOutputCallRequest>,
    responses: ResponseWriter<Response>, context: ServerContext
  ) async throws {
    try echoMetadata(context)
    var hasBegun = false
    for try await request in requests {
      if request.hasResponseStatus { try answer(request.responseStatus) }
      if !hasBegun { try await chooseCompression(request.responseParameters, context) }
      try await send(request.responseParameters, to: responses, context)
      hasBegun = hasBegun || !request.responseParameters.isEmpty
    }
  }

  private func halfDuplexCall(
    requests: RequestStream<Grpc_Testing_StreamingOutputCallRequest>,
    responses: ResponseWriter<Response>, context: ServerContext
  ) async throws {
    try echoMetadata(context)
    var noted: [Grpc_Testing_ResponseParameters] = []
    for try await request in requests {
      if request.hasResponseStatus { try answer(request.responseStatus) }
      guard request.responseParameters.count <= maxNotedResponses - noted.count else {
        throw RPCError(.resourceExhausted, "More than \(maxNotedResponses) responses are ordered.")
      }
      noted += request.responseParameters
    }
    try await chooseCompression(noted, context)
    try await send(noted, to: responses, context)
  }
}
