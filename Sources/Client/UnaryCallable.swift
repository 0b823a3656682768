public import TernCore
public import TernTransport

/// What a call with one response has brought.
public struct CallResponse<Message: Sendable>: Sendable {
  public let message: Message
  /// What the server sent ahead of the message.
  public let initialMetadata: Metadata
  /// What the server sent with the status.
  public let trailingMetadata: Metadata
  /// Whether the message came compressed. Not for users: what it was on its way is no part of it.
  package let wasCompressed: Bool

  @usableFromInline init(_ message: Message, _ call: _ClientCall) {
    self.message = message
    initialMetadata = call.initialMetadata
    trailingMetadata = call.trailingMetadata
    wasCompressed = call.stream.decompressedMessageCount > 0
  }
}

/// A method that takes one request and gives one response.
///
/// ```swift
/// let reply = try await greeter.sayHello(request, options: CallOptions(timeout: .seconds(1)))
/// let call = try await greeter.sayHello.withCall(request)     // with metadata
/// ```
public struct UnaryCallable<Request: Sendable, Reply: Sendable>: Sendable {
  @usableFromInline let channel: GRPCChannel
  @usableFromInline let method: RPCMethod<Request, Reply>

  public init(_ channel: GRPCChannel, _ method: RPCMethod<Request, Reply>) {
    self.channel = channel
    self.method = method
  }

  /// Makes a call and returns its response.
  ///
  /// Cancelling the task gives the call up.
  ///
  /// - Throws: `RPCError` unless the status is OK; what encoding threw.
  @inlinable
  public nonisolated(nonsending) func callAsFunction(
    _ request: Request, options: CallOptions = CallOptions()
  ) async throws -> Reply {
    let call = _ClientCall(channel, method.descriptor, options)
    let byteCount = try call.request.encode(request, with: method.requestCodec)
    if call.isIntercepted {
      call.keep(request, byteCount: byteCount)
      call.keepDecoder(method.responseCodec)
    }
    try await call.run()
    let reply = try _decodeReply(call, method.responseCodec)
    call.recycle()
    return reply
  }

  /// Makes a call and returns its response and its metadata.
  @inlinable
  public nonisolated(nonsending) func withCall(
    _ request: Request, options: CallOptions = CallOptions()
  ) async throws -> CallResponse<Reply> {
    let call = _ClientCall(channel, method.descriptor, options)
    let byteCount = try call.request.encode(request, with: method.requestCodec)
    if call.isIntercepted {
      call.keep(request, byteCount: byteCount)
      call.keepDecoder(method.responseCodec)
    }
    try await call.run()
    let response = CallResponse(try _decodeReply(call, method.responseCodec), call)
    call.recycle()
    return response
  }
}

@inlinable
func _decodeReply<Reply>(_ call: _ClientCall, _ codec: MessageCodec<Reply>) throws -> Reply {
  try unsafe _decode(call.response(), with: codec)
}
