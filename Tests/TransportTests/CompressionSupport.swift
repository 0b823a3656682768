import Testing
import TernBytes
import TernClient
import TernCore
import TernEventLoop
import TernServer
import TernTransport
import TernWire
import TestSupport

/// Bytes that become much shorter.
func text(_ count: Int) -> [UInt8] {
  Array(Array(repeating: Array("All work and no play. ".utf8), count: count / 22 + 1).joined())
    .prefix(count).map { $0 }
}

/// Bytes that do not.
func noise(_ count: Int) -> [UInt8] {
  var state: UInt64 = 7
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(truncatingIfNeeded: state >> 33)
  }
}

func compressed(_ message: [UInt8], _ format: ZlibFormat = .gzip) -> [UInt8] {
  let output = ByteBuffer()
  let deflater = Deflater(format, level: 6)
  let isShorter = unsafe message.withUnsafeBytes { unsafe deflater.compress($0, into: output) }
  precondition(isShorter, "a message of \(message.count) bytes does not become shorter")
  return output.bytes
}

func decompressed(_ bytes: [UInt8], _ format: ZlibFormat = .gzip) throws -> [UInt8] {
  let output = ByteBuffer()
  try unsafe bytes.withUnsafeBytes { bytes in
    try unsafe Inflater(format).decompress(bytes, into: output, maxBytes: .max)
  }
  return output.bytes
}

/// A message that says that it is compressed, with its prefix.
func flagged(_ payload: [UInt8]) -> [UInt8] { prefixed(payload, flag: 1) }

/// The head of a gRPC answer, with more fields.
func response(_ fields: (String, String)...) -> Step {
  .headers(fields.reduce(.response) { $0.with($1.0, $1.1) })
}

/// The methods of a service of plain bytes.
enum Plain {
  static let unary = method("Unary", .unary)
  static let serverStream = method("ServerStream", .serverStreaming)
  static let clientStream = method("ClientStream", .clientStreaming)
  static let bidi = method("Bidi", .bidirectional)

  private static func method(_ name: String, _ kind: CallKind) -> RPCMethod<[UInt8], [UInt8]> {
    RPCMethod(
      MethodDescriptor(service: "test.Plain", method: name, kind: kind),
      requestCodec: .bytes, responseCodec: .bytes)
  }

  static func request(_ method: RPCMethod<[UInt8], [UInt8]>) -> [HeaderField] {
    .request(method.descriptor.path)
  }

  static let echo = ServerMethod.unary(unary) { request, _ in request }
  /// Answers each message.
  static let echoStream = ServerMethod.bidirectional(bidi) { requests, responses, _ in
    for try await request in requests { try await responses.send(request) }
  }
}

struct PlainService: RPCService {
  let serverMethods: [ServerMethod]
}

/// Runs `body` beside a server on a free port.
func withServer<Result>(
  _ methods: [ServerMethod], options: ServerOptions = ServerOptions(),
  _ body: (Int) async throws -> Result
) async throws -> Result {
  let server = GRPCServer(services: [PlainService(serverMethods: methods)], options: options)
  let address = try await server.start(on: .tcp("127.0.0.1", 0), credentials: .insecure)
  let result: Swift.Result<Result, any Error>
  do {
    result = .success(try await body(try #require(address.port)))
  } catch {
    result = .failure(error)
  }
  await server.shutDown(within: .seconds(5))
  return try result.get()
}
