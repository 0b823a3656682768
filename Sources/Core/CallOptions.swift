/// What one call asks for beyond its request. Everything has a default; `CallOptions()` is fine.
public struct CallOptions: Sendable {
  /// How long the call may take, everything included: connecting, queueing, the answer. After
  /// that it fails with `DEADLINE_EXCEEDED`. `nil` (the default): what the channel's options say for
  /// the method or for all calls, or else as long as it takes.
  public var timeout: Duration?
  /// Whether a call that is made in a handler has to be over when the handler's own call has to, if
  /// that is before its `timeout`. `true`. Calls from a `Task { }` that a handler starts are on their own
  /// in any case: give them `CallOptions(parent: context)`.
  public var inheritsDeadline = true
  /// Sent ahead of the request.
  public var metadata: Metadata
  /// While the server cannot be reached, wait (until the deadline) instead of failing at once
  /// with `UNAVAILABLE`. The default is `false`.
  public var waitForReady: Bool
  /// Metadata that shows on whose behalf the client calls, beside that of the channel. Needs TLS.
  public var credentials: CallCredentials?
  /// The largest request that may be sent, in bytes. `nil` (the default): the channel's limit.
  public var maxRequestMessageBytes: Int?
  /// The largest response that is accepted, in bytes. `nil` (the default): the channel's limit.
  public var maxResponseMessageBytes: Int?
  /// How the requests are compressed. `nil` (the default): as the channel does.
  public var compression: CompressionAlgorithm?

  // Spec: W4 (PROTOCOL-HTTP2, Authority)
  /// The host that the server is told this call wants. `nil` (the default): the channel's. Over TLS
  /// that is the name that the server has shown to have, and no other one may be asked for.
  public var authority: String?

  /// Interceptors of this call. Their type belongs to a higher layer, which has the property.
  package var attachedInterceptors: [any Sendable] = []

  public init(
    timeout: Duration? = nil, metadata: Metadata = [:], waitForReady: Bool = false,
    credentials: CallCredentials? = nil, compression: CompressionAlgorithm? = nil,
    maxRequestMessageBytes: Int? = nil, maxResponseMessageBytes: Int? = nil,
    authority: String? = nil
  ) {
    self.timeout = timeout
    self.metadata = metadata
    self.waitForReady = waitForReady
    self.credentials = credentials
    self.maxRequestMessageBytes = maxRequestMessageBytes
    self.maxResponseMessageBytes = maxResponseMessageBytes
    self.compression = compression
    self.authority = authority
  }
}
