import Logging
import Synchronization
import Testing

import Tern

/// A server and a channel to it, over a real socket, for the length of one test.
struct Route: Sendable {
  let server: GRPCServer
  let channel: GRPCChannel
  let port: Int

  /// The methods of a service of plain bytes.
  static func method(_ name: String, _ kind: CallKind) -> RPCMethod<[UInt8], [UInt8]> {
    RPCMethod(
      MethodDescriptor(service: "test.Route", method: name, kind: kind),
      requestCodec: .bytes, responseCodec: .bytes)
  }

  static let unary = method("Unary", .unary)
  static let serverStream = method("ServerStream", .serverStreaming)
  static let clientStream = method("ClientStream", .clientStreaming)
  static let bidi = method("Bidi", .bidirectional)

  var unary: UnaryCallable<[UInt8], [UInt8]> { UnaryCallable(channel, Self.unary) }
  var serverStream: ServerStreamingCallable<[UInt8], [UInt8]> {
    ServerStreamingCallable(channel, Self.serverStream)
  }
  var clientStream: ClientStreamingCallable<[UInt8], [UInt8]> {
    ClientStreamingCallable(channel, Self.clientStream)
  }
  var bidi: BidirectionalCallable<[UInt8], [UInt8]> { BidirectionalCallable(channel, Self.bidi) }

  /// Runs `body` beside a server of `methods`, and ends both sides after it.
  static func run<Result>(
    _ methods: [ServerMethod], options: ServerOptions = ServerOptions(),
    channelOptions: ChannelOptions = ChannelOptions(), group: EventLoopGroup = .shared,
    credentials: ServerCredentials = .insecure, channelCredentials: ChannelCredentials = .insecure,
    _ body: (Route) async throws -> Result
  ) async throws -> Result {
    let server = GRPCServer(
      services: [ClosureService(serverMethods: methods)], options: options, group: group)
    let address = try await server.start(on: .tcp("127.0.0.1", 0), credentials: credentials)
    let port = try #require(address.port)
    let channel = try GRPCChannel(
      "127.0.0.1:\(port)", credentials: channelCredentials, options: channelOptions, group: group)
    defer { channel.close() }
    let result: Swift.Result<Result, any Error>
    do {
      result = .success(try await body(Route(server: server, channel: channel, port: port)))
    } catch {
      result = .failure(error)
    }
    channel.close()
    await server.shutDown(within: .seconds(1))
    return try result.get()
  }
}

/// A service whose handlers are closures.
struct ClosureService: RPCService {
  let serverMethods: [ServerMethod]
}

extension ServerMethod {
  static let echo = ServerMethod.unary(Route.unary) { request, _ in request }
  static let echoStream = ServerMethod.bidirectional(Route.bidi) { requests, responses, _ in
    for try await request in requests { try await responses.send(request) }
  }
}

/// Expects the call in `body` to fail with `code`.
@discardableResult
func expectError(
  _ code: StatusCode, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> Void
) async -> RPCError? {
  do {
    try await body()
    Issue.record("Expected \(code), but the call succeeded.", sourceLocation: sourceLocation)
  } catch let error as RPCError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    return error
  } catch {
    Issue.record("Expected \(code), but saw \(error).", sourceLocation: sourceLocation)
  }
  return nil
}

/// Something that happens once, and that others wait for. Ends as well when the waiter's task is
/// cancelled.
final class Signal: Sendable {
  private let stream: AsyncStream<Never>
  private let continuation: AsyncStream<Never>.Continuation

  init() { (stream, continuation) = AsyncStream<Never>.makeStream() }

  func fire() { continuation.finish() }
  func wait() async { for await _ in stream {} }
}

/// Counts, from whatever thread.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .relaxed) }
  func add() { count.wrappingAdd(1, ordering: .relaxed) }
}

/// A value that handlers and the test share.
actor Shared<Value: Sendable> {
  private(set) var value: Value
  init(_ value: Value) { self.value = value }
  func update(_ change: @Sendable (inout Value) -> Void) { change(&value) }
}

/// Keeps what is logged.
final class LogKeeper: Sendable {
  private let stream: AsyncStream<String>
  private let continuation: AsyncStream<String>.Continuation

  init() { (stream, continuation) = AsyncStream<String>.makeStream() }

  var logger: Logger {
    Logger(label: "test", factory: { [continuation] _ in Handler(continuation: continuation) })
  }

  /// The next line that contains `text`; waits for it.
  func line(containing text: String) async -> String? {
    for await line in stream where line.contains(text) { return line }
    return nil
  }

  private struct Handler: LogHandler {
    let continuation: AsyncStream<String>.Continuation
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }
      let text = fields.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
      continuation.yield("\(event.level) \(event.message) \(text)")
    }
  }
}
