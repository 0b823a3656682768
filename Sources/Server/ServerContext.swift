public import TernCore
public import TernEventLoop
public import TernTransport
internal import TernWire

/// What a handler knows of its call beyond the request, and what it may say beyond the response.
///
/// May be used from any thread. When the call is over it knows what it knew, and does nothing.
public struct ServerContext: Sendable {
  package let stream: ServerStream
  @usableFromInline package init(_ call: _ServerCall) { stream = call.stream }

  /// The method that was called.
  public var method: MethodDescriptor { stream.method }

  // MARK: The request

  /// What the client sent beside its messages.
  public var metadata: Metadata { stream.requestMetadata }
  /// The address of the client.
  public var peer: SocketAddress { stream.peer }
  /// The address at which the client reached us.
  public var localAddress: SocketAddress { stream.local }
  /// How the connection is secured, and the client's certificate if it has shown one; `nil` for
  /// plaintext.
  public var tls: NegotiatedTLS? { stream.tls }
  /// The host that the client asked for.
  public var authority: String { stream.head.authority }
  /// The client's library and version, in its own words.
  public var userAgent: String { stream.head.userAgent }
  // Spec: W12 (A6: grpc-previous-rpc-attempts)
  /// How often the client has tried this call before; 0 unless it is a retry.
  public var previousAttempts: Int { stream.head.previousAttempts ?? 0 }
  /// How many of the requests that were read had come compressed. Not for users: what a message was
  /// on its way is no part of it.
  package var compressedRequestCount: Int { stream.decompressedMessageCount }

  /// A value that an interceptor has attached to the call; `nil` if none has.
  public subscript<Key: ContextKey>(key: Key.Type) -> Key.Value? { stream.value(of: key) }

  // MARK: Time

  /// How long the client still waits; `nil` if it set no deadline. Not below zero.
  public var timeRemaining: Duration? {
    stream.deadlineNanoseconds.map { deadline in
      .nanoseconds(max(0, deadline - stream.loop.clock.nanoseconds))
    }
  }

  /// When the call has to be over; `nil` if the client set no deadline.
  public var deadline: ContinuousClock.Instant? {
    timeRemaining.map { ContinuousClock.now.advanced(by: $0) }
  }

  // MARK: Cancellation

  /// Whether nobody waits for the answer any more. The handler's task is cancelled then.
  public var isCancelled: Bool { stream.isGivenUp }

  /// Why nobody waits for the answer any more; `nil` while somebody does.
  public var cancellationReason: CancellationReason? { stream.cancellationReason }

  /// Has `action` run when the call is given up: once, and never after the handler has returned.
  ///
  /// ```swift
  /// context.onCancel { reason in query.stop() }
  /// ```
  ///
  /// It runs on the event loop of the connection, even if the handler runs elsewhere, so it must be
  /// short and must not block; at once and on this thread if the call is given up already. A handler
  /// that runs elsewhere may return while it runs. Several actions run in the order in which they
  /// were registered. Most handlers need none: their task is cancelled as well, and what they wait
  /// for hears of it.
  public func onCancel(_ action: @escaping @Sendable (_ reason: CancellationReason) -> Void) {
    stream.onCancel(action)
  }

  // MARK: The response

  /// Sets the metadata that goes ahead of the first message.
  ///
  /// - Throws: `RPCError` if it cannot travel, or was sent already.
  public func setInitialMetadata(_ metadata: Metadata) throws(RPCError) {
    try metadata.checkForSending()
    try stream.setInitialMetadata(metadata)
  }

  /// Sends the initial metadata now, without waiting for the first message.
  ///
  /// - Throws: `RPCError` if it cannot travel, was sent already, or the call is over.
  public nonisolated(nonsending) func sendInitialMetadata(_ metadata: Metadata) async throws {
    try metadata.checkForSending()
    try stream.setInitialMetadata(metadata)
    try await stream.sendHead()
  }

  /// Sets the metadata that goes with the status, whatever it is.
  ///
  /// - Throws: `RPCError` if it cannot travel.
  public func setTrailingMetadata(_ metadata: Metadata) throws(RPCError) {
    try metadata.checkForSending()
    stream.setTrailingMetadata(metadata)
  }

  /// What messages of the response are compressed with: what the server's options say, if the
  /// client accepts it.
  public var responseCompression: CompressionAlgorithm { stream.responseCompression }

  // Spec: W51 (compression: the server may answer with another algorithm, or none)
  // Spec: W52 (compression: "not this message" is obeyed)
  /// Chooses how the response is compressed; `.identity` sends it plain. What the client does not
  /// accept becomes plain by itself.
  ///
  /// - Throws: `RPCError` if the response has begun, or the call is over.
  public nonisolated(nonsending) func setResponseCompression(
    _ algorithm: CompressionAlgorithm
  ) async throws {
    try await stream.setResponseCompression(algorithm)
  }
}
