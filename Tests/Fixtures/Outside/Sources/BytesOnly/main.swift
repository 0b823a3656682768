import TernRuntime

/// A service without Protobuf: its messages are bytes.
struct Echo: RPCService {
  static let echo = RPCMethod(
    MethodDescriptor(service: "outside.Echo", method: "Echo", kind: .unary),
    requestCodec: .bytes, responseCodec: .bytes)

  var serverMethods: [ServerMethod] { [.unary(Self.echo) { request, _ in request }] }
}

let server = GRPCServer(services: [Echo()])
let address = try await server.start(on: .tcp("127.0.0.1", 0), credentials: .insecure)

let channel = try GRPCChannel("\(address)", credentials: .insecure)
let echo = UnaryCallable(channel, Echo.echo)
let reply = try await echo(Array("hello".utf8))
print("Echo client received: \(String(decoding: reply, as: UTF8.self))")

await server.shutDown(within: .seconds(5))
