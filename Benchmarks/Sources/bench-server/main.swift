internal import Glibc
internal import Logging
internal import SwiftProtobuf
internal import Tern

// Answers each request with what it holds: `/bench.Echo/Unary`, by bytes as they are, or decoded
// and encoded by SwiftProtobuf. One loop, since the benchmark gives it one core.

/// `message Echo { bytes body = 1; }` under the name that SwiftProtobuf brings with it.
typealias Echo = Google_Protobuf_BytesValue

nonisolated let unary = MethodDescriptor(service: "bench.Echo", method: "Unary", kind: .unary)

/// With concrete types, as services have them: the shells are then made for these.
struct BytesEcho: RPCService {
  static let unary = RPCMethod<[UInt8], [UInt8]>(
    bench_server.unary, requestCodec: .bytes, responseCodec: .bytes)

  func unary(_ request: [UInt8], context: ServerContext) async throws -> [UInt8] { request }

  var serverMethods: [ServerMethod] {
    [.unary(Self.unary) { try await self.unary($0, context: $1) }]
  }
}

struct ProtobufEcho: RPCService {
  static let unary = RPCMethod<Echo, Echo>(protobuf: bench_server.unary)

  func unary(_ request: Echo, context: ServerContext) async throws -> Echo { Echo(request.value) }

  var serverMethods: [ServerMethod] {
    [.unary(Self.unary) { try await self.unary($0, context: $1) }]
  }
}

func service(codec: String) -> (any RPCService)? {
  switch codec {
  case "bytes": BytesEcho()
  case "protobuf": ProtobufEcho()
  default: nil
  }
}

/// `--codec bytes` and the like, in any order.
func value(of option: String) -> String? {
  let arguments = CommandLine.arguments
  guard let index = arguments.firstIndex(of: option), index + 1 < arguments.count else {
    return nil
  }
  return arguments[index + 1]
}

guard let echo = service(codec: value(of: "--codec") ?? "") else {
  print("usage: bench-server --codec bytes|protobuf [--cert FILE --key FILE] [--gzip] [--logging]")
  exit(2)
}
let credentials: ServerCredentials
if let certificate = value(of: "--cert"), let key = value(of: "--key") {
  credentials = .tls(certificateChain: .file(certificate), privateKey: .file(key))
} else {
  credentials = .insecure
}

// As many as the C server allows.
var options = ServerOptions()
options.maxConcurrentStreams = 1000
if CommandLine.arguments.contains("--gzip") { options.compression = .gzip }
if CommandLine.arguments.contains("--logging") {
  var logger = Logger(label: "bench", factory: { StreamLogHandler.standardError(label: $0) })
  // As in production: calls are logged at info, and nobody reads that.
  logger.logLevel = .warning
  options.interceptors = [ServerLoggingInterceptor(logger: logger)]
}
let server = GRPCServer(services: [echo], options: options)
Task.detached {
  try await server.run(on: .tcp("127.0.0.1", 0), credentials: credentials) { address in
    print("Listening on \(address)")
    // Into a pipe, print leaves the line in a buffer; the benchmark waits for it.
    fflush(nil)
  }
  exit(0)
}
// An `await` here would end the main thread, which valgrind does not survive.
while true { pause() }
