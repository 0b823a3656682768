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
  public var metadata: Metadata {
    get { extras?.metadata ?? [:] }
    set { change { $0.metadata = newValue } }
  }
  /// While the server cannot be reached, wait (until the deadline) instead of failing at once
  /// with `UNAVAILABLE`. The default is `false`.
  public var waitForReady: Bool
  /// Metadata that shows on whose behalf the client calls, beside that of the channel. Needs TLS.
  public var credentials: CallCredentials? {
    get { extras?.credentials }
    set { change { $0.credentials = newValue } }
  }
  /// The largest request that may be sent, in bytes. `nil` (the default): the channel's limit.
  public var maxRequestMessageBytes: Int?
  /// The largest response that is accepted, in bytes. `nil` (the default): the channel's limit.
  public var maxResponseMessageBytes: Int?
  /// How the requests are compressed. `nil` (the default): as the channel does.
  public var compression: CompressionAlgorithm? {
    get { extras?.compression }
    set { change { $0.compression = newValue } }
  }

  // Spec: W4 (PROTOCOL-HTTP2, Authority)
  /// The host that the server is told this call wants. `nil` (the default): the channel's. Over TLS
  /// that is the name that the server has shown to have, and no other one may be asked for.
  public var authority: String? {
    get { extras?.authority }
    set { change { $0.authority = newValue } }
  }

  /// Interceptors of this call. Their type belongs to a higher layer, which has the property.
  package var attachedInterceptors: [any Sendable] {
    get { extras?.interceptors ?? [] }
    set { change { $0.interceptors = newValue } }
  }

  /// What most calls do without, behind one reference: options are copied several times on the way of
  /// a call, and each field that is counted would be counted each time.
  private var extras: Extras?

  /// Whether there is nothing but numbers. Most calls can then be sent as any other one.
  package var isPlain: Bool { extras == nil }

  public init(
    timeout: Duration? = nil, metadata: Metadata = [:], waitForReady: Bool = false,
    credentials: CallCredentials? = nil, compression: CompressionAlgorithm? = nil,
    maxRequestMessageBytes: Int? = nil, maxResponseMessageBytes: Int? = nil,
    authority: String? = nil
  ) {
    self.timeout = timeout
    self.waitForReady = waitForReady
    self.maxRequestMessageBytes = maxRequestMessageBytes
    self.maxResponseMessageBytes = maxResponseMessageBytes
    if metadata.isEmpty, credentials == nil, compression == nil, authority == nil { return }
    var extras = Extras.Fields()
    extras.metadata = metadata
    extras.credentials = credentials
    extras.compression = compression
    extras.authority = authority
    self.extras = Extras(extras)
  }

  private mutating func change(_ body: (inout Extras.Fields) -> Void) {
    var fields = extras?.fields ?? Extras.Fields()
    body(&fields)
    extras = Extras(fields)
  }
}

/// Never changed, so that copies of the options may share it.
private final class Extras: Sendable {
  struct Fields: Sendable {
    var metadata: Metadata = [:]
    var credentials: CallCredentials?
    var compression: CompressionAlgorithm?
    var authority: String?
    var interceptors: [any Sendable] = []
  }

  let fields: Fields
  init(_ fields: Fields) { self.fields = fields }

  var metadata: Metadata { fields.metadata }
  var credentials: CallCredentials? { fields.credentials }
  var compression: CompressionAlgorithm? { fields.compression }
  var authority: String? { fields.authority }
  var interceptors: [any Sendable] { fields.interceptors }
}
