internal import BenchProtos
internal import FoundationEssentials
internal import Tern

/// Unary calls of bytes as they are, without Protobuf.
struct BytesEcho: RPCService {
  /// With concrete types, as services have them: the shells are then made for these.
  static let unary = RPCMethod<[UInt8], [UInt8]>(
    Bench_Echo.Methods.unary.descriptor, requestCodec: .bytes, responseCodec: .bytes)

  func unary(_ request: [UInt8], context: ServerContext) async throws -> [UInt8] { request }

  var serverMethods: [ServerMethod] {
    [.unary(Self.unary) { try await self.unary($0, context: $1) }]
  }
}

/// All methods, as anybody would write them.
struct ProtobufEcho: Bench_Echo.Service {
  func unary(_ request: Bench_Chunk, context: ServerContext) async throws -> Bench_Chunk {
    .with { $0.body = request.body }
  }

  func download(
    _ request: Bench_Order, responses: ResponseWriter<Bench_Chunk>, context: ServerContext
  ) async throws {
    let chunk = Bench_Chunk.with { $0.body = Data(count: Int(request.size)) }
    for _ in 0..<request.count { try await responses.send(chunk) }
  }

  func upload(
    _ requests: RequestStream<Bench_Chunk>, context: ServerContext
  ) async throws -> Bench_Order {
    var sum = Bench_Order()
    for try await request in requests {
      sum.count &+= 1
      sum.size = (sum.size &+ Int32(truncatingIfNeeded: request.body.count)) & .max
    }
    return sum
  }

  func chat(
    _ requests: RequestStream<Bench_Chunk>, responses: ResponseWriter<Bench_Chunk>,
    context: ServerContext
  ) async throws {
    for try await request in requests { try await responses.send(request) }
  }
}
