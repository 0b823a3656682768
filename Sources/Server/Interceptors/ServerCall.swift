public import TernCore
public import TernEventLoop
package import TernTransport

/// A call as its interceptors see it, whatever its kind and the type of its messages.
///
/// May be used from any thread. When the call is over it knows what it knew, and does nothing.
public struct ServerCall: Sendable {
  package let stream: ServerStream

  init(_ call: _ServerCall) { stream = call.stream }

  /// What the handler knows of the call.
  public var context: ServerContext { ServerContext(_ServerCall(stream)) }

  // MARK: The request

  /// The method that was called.
  public var method: MethodDescriptor { stream.method }
  /// The address of the client.
  public var peer: SocketAddress { stream.peer }
  /// How the connection is secured, and the client's certificate if it has shown one; `nil` for
  /// plaintext.
  public var tls: NegotiatedTLS? { stream.tls }
  /// How long the client still waits; `nil` if it set no deadline.
  public var timeRemaining: Duration? { context.timeRemaining }

  /// What the client sent beside its messages. What is set here is what interceptors further in and
  /// the handler see.
  public var metadata: Metadata {
    get { stream.requestMetadata }
    nonmutating set { stream.setRequestMetadata(newValue) }
  }

  /// A value for interceptors further in and the handler, who asks its context for it.
  public subscript<Key: ContextKey>(key: Key.Type) -> Key.Value? {
    get { stream.value(of: key) }
    nonmutating set { stream.setValue(newValue, of: key) }
  }

  // MARK: Messages

  /// Shows `observer` each request as the handler gets it. Before `next`.
  public func onRequest(_ observer: @escaping MessageObserver) { stream.observeRequests(observer) }

  /// Shows `observer` each response as the handler sends it. Before `next`.
  public func onResponse(_ observer: @escaping MessageObserver) {
    stream.observeResponses(observer)
  }

  // MARK: The response

  /// Adds to the metadata that goes ahead of the first message; the handler's own stays. What the
  /// handler sends first takes it along, so it is too late after `next`.
  ///
  /// - Throws: `RPCError` if it cannot travel, or the metadata was sent already.
  public func addInitialMetadata(_ metadata: Metadata) throws(RPCError) {
    try metadata.checkForSending()
    try stream.addInitialMetadata(metadata)
  }

  /// Adds to the metadata that goes with the status; the handler's own stays.
  ///
  /// - Throws: `RPCError` if it cannot travel.
  public func addTrailingMetadata(_ metadata: Metadata) throws(RPCError) {
    try metadata.checkForSending()
    stream.addTrailingMetadata(metadata)
  }

  /// Sends a response in place of the handler, for an interceptor that answers without `next`.
  ///
  /// - Parameter bytes: The message, encoded as the method encodes it.
  /// - Throws: `RPCError` if the call is over or the message is too large.
  public func respond(withEncoded bytes: [UInt8]) throws {
    _ = try _MessageWriter(_ServerCall(stream), codec: MessageCodec.bytes).put(bytes)
  }

  /// Why the call was over before its handler had ended: its deadline has passed, the client has
  /// given it up, or the connection is lost. Then this is what the client was told, and what
  /// `next` throws does not matter. `nil` if it was not.
  public var earlyFailure: RPCError? { stream.earlyFailure }
}

extension Metadata {
  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  func checkForSending() throws(RPCError) {
    if let problem { throw RPCError(.internal, problem, origin: .caller) }
  }
}
