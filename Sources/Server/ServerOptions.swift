public import Logging
public import TernCore
internal import TernTransport

/// How a server behaves. Everything has a default that suits most services.
public struct ServerOptions: Sendable {
  /// Calls that one client may have open on one connection; more are refused, and wait at the
  /// client. 100.
  public var maxConcurrentStreams = 100
  /// The largest request message, in bytes. 4 MiB, as in other gRPC libraries.
  public var maxRequestMessageBytes = 4 << 20
  /// The largest response message, in bytes. Without limit.
  public var maxResponseMessageBytes = Int.max
  /// The largest header block that clients are told of, in bytes, 32 a field included; up to twice
  /// as much is accepted. 8 KiB.
  public var maxHeaderListBytes = 8 << 10
  /// What a client may send on one call before the handler has read it, in bytes. 256 KiB.
  public var streamWindowBytes = 256 << 10
  /// What a client may send on one connection before we have received it, in bytes. 1 MiB.
  public var connectionWindowBytes = 1 << 20
  /// The memory that messages longer than their stream's window may take on one connection while
  /// they come in. 32 MiB.
  public var receiveBudgetBytes = 32 << 20
  /// How long a new connection may take until it speaks HTTP/2, TLS's handshake included. 20 s.
  public var handshakeTimeout: Duration = .seconds(20)
  /// How many TLS handshakes an event loop goes on with before it looks at its calls again. Each
  /// takes about half a millisecond. 8.
  public var maxHandshakesPerTurn = 8
  /// How long calls may go on when `run` has been told to end. 30 s.
  public var gracefulShutdownTimeout: Duration = .seconds(30)
  /// How responses are compressed for clients that accept it; a handler may choose otherwise. Not at
  /// all.
  public var compression: CompressionAlgorithm = .identity
  /// What clients may compress requests with: gzip and deflate. What is not compressed is always
  /// accepted.
  public var acceptedCompression = CallCompression.standardAlgorithms
  /// Responses of fewer bytes go plain; empty ones, and those that would not become shorter, always.
  /// 256.
  public var minCompressedMessageBytes = CallCompression.standardMinMessageBytes
  /// Whether another server may listen on the same port at the same time, as it does while one
  /// process takes over from another. `false`.
  public var reusesPort = false
  /// Where handlers run. On the event loop of their connection.
  public var handlerExecution: HandlerExecution = .onEventLoop
  /// Wrap around each call, the first outermost. None.
  public var interceptors: [any ServerInterceptor] = []
  /// What is different for some services (`"greet.Greeter"`) or methods
  /// (`"greet.Greeter/SayHello"`).
  public var methods: [String: MethodOptions] = [:]
  /// Gets a line for what an operator should know. Silent.
  public var logger = Logger(label: "tern.server", factory: { _ in SwiftLogNoOpLogHandler() })

  public init() {}

  /// What may be different for one service or method; `nil` is the server's value.
  public struct MethodOptions: Sendable {
    public var maxRequestMessageBytes: Int?
    public var maxResponseMessageBytes: Int?
    public var handlerExecution: HandlerExecution?
    public var compression: CompressionAlgorithm?
    /// Further in than those of the server, and those of a method further in than its service's.
    public var interceptors: [any ServerInterceptor]

    public init(
      maxRequestMessageBytes: Int? = nil, maxResponseMessageBytes: Int? = nil,
      handlerExecution: HandlerExecution? = nil, compression: CompressionAlgorithm? = nil,
      interceptors: [any ServerInterceptor] = []
    ) {
      self.maxRequestMessageBytes = maxRequestMessageBytes
      self.maxResponseMessageBytes = maxResponseMessageBytes
      self.handlerExecution = handlerExecution
      self.compression = compression
      self.interceptors = interceptors
    }
  }
}
