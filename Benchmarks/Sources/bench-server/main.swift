internal import Glibc
internal import Logging
internal import Tern

// Serves `bench.Echo`, by bytes as they are or with SwiftProtobuf.

func service(codec: String) -> (any RPCService)? {
  switch codec {
  case "bytes": BytesEcho()
  case "protobuf": ProtobufEcho()
  default: nil
  }
}

func refuse() -> Never {
  print(
    """
    usage: bench-server --codec bytes|protobuf [--port N] [--loops N] [--cert FILE --key FILE] \
    [--gzip] [--logging]
    """)
  exit(2)
}

/// `--codec bytes` and the like, in any order.
func value(of option: String) -> String? {
  let arguments = CommandLine.arguments
  guard let index = arguments.firstIndex(of: option), index + 1 < arguments.count else {
    return nil
  }
  return arguments[index + 1]
}

func number(of option: String, from least: Int, to most: Int) -> Int? {
  guard let text = value(of: option) else { return nil }
  guard let number = Int(text), number >= least, number <= most else { refuse() }
  return number
}

guard let echo = service(codec: value(of: "--codec") ?? "") else { refuse() }
let port = number(of: "--port", from: 0, to: 65_535) ?? 0
// Usual is one loop for each core that the process may use.
let group = number(of: "--loops", from: 1, to: 1024).map { EventLoopGroup(loopCount: $0) }
let credentials: ServerCredentials
if let certificate = value(of: "--cert"), let key = value(of: "--key") {
  credentials = .tls(certificateChain: .file(certificate), privateKey: .file(key))
} else {
  credentials = .insecure
}

// As many as the C server allows.
var options = ServerOptions()
options.maxConcurrentStreams = 1000
options.maxRequestMessageBytes = 16 << 20
if CommandLine.arguments.contains("--gzip") { options.compression = .gzip }
if CommandLine.arguments.contains("--logging") {
  var logger = Logger(label: "bench", factory: { StreamLogHandler.standardError(label: $0) })
  // As in production: calls are logged at info, and nobody reads that.
  logger.logLevel = .warning
  options.interceptors = [ServerLoggingInterceptor(logger: logger)]
}
let server = GRPCServer(services: [echo], options: options, group: group ?? .shared)
Task.detached {
  try await server.run(on: .tcp("127.0.0.1", port), credentials: credentials) { address in
    print("Listening on \(address)")
    // Into a pipe, print leaves the line in a buffer; the benchmark waits for it.
    fflush(nil)
  }
  exit(0)
}
// An `await` here would end the main thread, which valgrind does not survive.
while true { pause() }
