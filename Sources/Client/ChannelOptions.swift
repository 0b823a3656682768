public import Logging
public import TernCore
internal import TernTransport

/// How a channel behaves. Everything has a default that suits most clients.
public struct ChannelOptions: Sendable {
  /// How long calls may take that do not say so themselves, of whatever kind. `nil` (the default): as
  /// long as it takes.
  public var timeout: Duration?
  /// What is different for some services (`"greet.Greeter"`) or methods
  /// (`"greet.Greeter/SayHello"`).
  public var methods: [String: MethodOptions] = [:]
  /// The largest request message, in bytes. Without limit.
  public var maxRequestMessageBytes = Int.max
  /// The largest response message, in bytes. 4 MiB, as in other gRPC libraries.
  public var maxResponseMessageBytes = 4 << 20
  /// The largest header block that the server is told of, in bytes, 32 a field included; up to
  /// twice as much is accepted. 8 KiB.
  public var maxHeaderListBytes = 8 << 10
  /// What the server may send on one call before it was read, in bytes. 256 KiB.
  public var streamWindowBytes = 256 << 10
  /// How far that may grow on a connection which carries more, in bytes: a PING next to long messages
  /// measures it. All growth on one connection takes at most half of `receiveBudgetBytes`. What is not
  /// above `streamWindowBytes` leaves windows as they are, and sends no PINGs. 16 MiB.
  public var maxStreamWindowBytes = 16 << 20
  /// What the server may send on one connection before we have received it, in bytes. 1 MiB; it grows
  /// along with the windows of calls.
  public var connectionWindowBytes = 1 << 20
  /// The memory that messages longer than their stream's window may take on one connection while
  /// they come in. 32 MiB.
  public var receiveBudgetBytes = 32 << 20
  /// How many connections the channel makes. One.
  public var connections: Connections = .one
  /// How long one attempt to connect may take, HTTP/2's SETTINGS included; a target that has several
  /// addresses gets it for each. 20 s.
  public var connectTimeout: Duration = .seconds(20)
  /// How long to wait after an attempt to connect has failed.
  public var backoff = Backoff()
  /// Whether to ask a silent server for a sign of life. Off.
  public var keepalive: Keepalive?
  /// How requests are compressed; a call may choose otherwise. Not at all.
  public var compression: CompressionAlgorithm = .identity
  /// What the server may compress responses with, and requests may be: gzip and deflate. What is not
  /// compressed is always accepted.
  public var acceptedCompression = CallCompression.standardAlgorithms
  /// Requests of fewer bytes go plain; empty ones, and those that would not become shorter, always.
  /// 256.
  public var minCompressedMessageBytes = CallCompression.standardMinMessageBytes
  /// Wrap around each call, the first outermost. None.
  public var interceptors: [any ClientInterceptor] = []
  /// The host that the server is told the client wants, if it is not the target's.
  public var authority: String?
  /// Stands in front of the library's name in `user-agent`, e.g. `my-app/1.2`.
  public var userAgent: String?
  /// Gets a line for what an operator should know. Silent.
  public var logger = Logger(label: "tern.channel", factory: { _ in SwiftLogNoOpLogHandler() })

  /// From this number of a stream on calls need another connection: tests cannot make 800 million calls.
  package var endOfStreamNumbers: UInt32?

  public init() {}

  var callCompression: CallCompression {
    CallCompression(
      algorithm: compression, accepted: acceptedCompression,
      minMessageBytes: minCompressedMessageBytes)
  }

  /// How many connections a channel makes, and on which event loops they live.
  public enum Connections: Sendable {
    /// One, on the loop with the fewest connections. Calls from elsewhere cross to that loop.
    case one
    /// One for each loop of the channel's group, made when the loop's first call is. A call that is
    /// made on a loop, as handlers of a server of the same group do, stays there and crosses no
    /// thread. Calls from elsewhere go to the loops in turns.
    case perLoop
  }

  // Spec: W87 (A8; client keepalive)
  /// PINGs over connections on which nothing comes.
  ///
  /// Source: <https://grpc.io/docs/guides/keepalive/>
  public struct Keepalive: Sendable {
    /// How long nothing may come before a PING is sent; at least 10 s, as servers take more for an
    /// attack.
    public var interval: Duration
    /// How long the answer may take before the connection counts as lost.
    public var timeout: Duration
    /// Whether to do so even while no call runs.
    public var withoutCalls: Bool

    static let smallestInterval: Duration = .seconds(10)

    public init(interval: Duration, timeout: Duration = .seconds(20), withoutCalls: Bool = false) {
      self.interval = interval
      self.timeout = timeout
      self.withoutCalls = withoutCalls
    }
  }
}
