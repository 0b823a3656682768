import Logging
import TernCore
import TernEventLoop
import TernServer

enum Echo {
  static func method(
    _ name: String = "Unary", service: String = "tern.test.Echo",
    _ handler:
      nonisolated(nonsending) @escaping @Sendable ([UInt8], ServerContext) async throws ->
      [UInt8] = { request, _ in request }
  ) -> ServerMethod {
    ServerMethod.unary(
      RPCMethod(
        MethodDescriptor(service: service, method: name, kind: .unary), requestCodec: .bytes,
        responseCodec: .bytes), handler)
  }
}

struct Methods: RPCService {
  let serverMethods: [ServerMethod]
  init(_ methods: ServerMethod...) { serverMethods = methods }
}

/// A server on a loop of its own whose time a test moves.
struct TimedServer {
  let clock = ManualClock()
  let group: EventLoopGroup
  let server: GRPCServer
  let port: Int
  let log = LogLines()

  init(
    _ services: [any RPCService] = [Methods(Echo.method())],
    _ configure: (inout ServerOptions) -> Void = { _ in }
  ) async throws {
    var options = ServerOptions()
    let log = log
    options.logger = Logger(label: "test", factory: { _ in log })
    options.logger.logLevel = .warning
    configure(&options)
    group = EventLoopGroup(loopCount: 1, clock: clock)
    server = GRPCServer(services: services, options: options, group: group)
    port = try await server.start(on: .tcp("127.0.0.1", 0), credentials: .insecure).port ?? 0
  }
}

/// Keeps what is logged.
final class LogLines: LogHandler, @unchecked Sendable {
  // `@unchecked Sendable` because `lock` guards the lines, and each logger copies the rest.
  private let lock = Lock()
  private var lines: [String] = []
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.warning

  var all: [String] {
    lock.lock()
    defer { lock.unlock() }
    return lines
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    lock.lock()
    defer { lock.unlock() }
    let reason = event.metadata?["reason"].map { " reason=\($0)" } ?? ""
    lines.append("\(event.level) \(event.message)\(reason)")
  }
}
