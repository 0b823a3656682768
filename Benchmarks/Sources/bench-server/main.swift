internal import Glibc
internal import SwiftProtobuf
internal import Tern

// Answers each request with what it holds: `/bench.Echo/Unary`, by bytes as they are, or decoded
// and encoded by SwiftProtobuf. One loop, since the benchmark gives it one core.

/// `message Echo { bytes body = 1; }` under the name that SwiftProtobuf brings with it.
typealias Echo = Google_Protobuf_BytesValue

struct EchoService<Message: Sendable>: RPCService {
  let codec: MessageCodec<Message>
  let answer: @Sendable (Message) -> Message

  var serverMethods: [ServerMethod] {
    let descriptor = MethodDescriptor(service: "bench.Echo", method: "Unary", kind: .unary)
    let method = RPCMethod(descriptor, requestCodec: codec, responseCodec: codec)
    return [.unary(method) { [answer] request, _ in answer(request) }]
  }
}

func service(codec: String) -> (any RPCService)? {
  switch codec {
  case "bytes": EchoService(codec: .bytes) { $0 }
  case "protobuf": EchoService(codec: .protobuf) { (request: Echo) in Echo(request.value) }
  default: nil
  }
}

let arguments = CommandLine.arguments
guard arguments.count == 3, arguments[1] == "--codec", let echo = service(codec: arguments[2])
else {
  print("usage: bench-server --codec bytes|protobuf")
  exit(2)
}

// As many as the C server allows.
var options = ServerOptions()
options.maxConcurrentStreams = 1000
let server = GRPCServer(services: [echo], options: options)
try await server.run(on: .tcp("127.0.0.1", 0), credentials: .insecure) { address in
  print("Listening on \(address)")
  // Into a pipe, print leaves the line in a buffer; the benchmark waits for it.
  fflush(nil)
}
