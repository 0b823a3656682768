internal import ExampleProtos
internal import Tern

// Mutual TLS: the client shows a certificate as well, and the handler sees whose it is. `make certs`
// writes the files; give another folder as the first argument.
let folder = CommandLine.arguments.dropFirst().first ?? "Certs/out"

struct KnowingGreeter: Greet_Greeter.Service {
  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    // Mutual TLS proves who it is; whether they may call is for the handler to say.
    guard let caller = context.tls?.peerCertificate, let id = caller.spiffeID else {
      throw RPCError(.permissionDenied, "Only workloads with an identity are greeted.")
    }
    return .with { $0.message = "Hello, \(id)!" }
  }
}

let server = GRPCServer(services: [KnowingGreeter()])
let address = try await server.start(
  on: .tcp("localhost", 0),
  credentials: .mutualTLS(
    certificateChain: .file("\(folder)/server-chain.crt"),
    privateKey: .file("\(folder)/server.key"),
    clientRoots: .file("\(folder)/ca.crt")))

let known = try GRPCChannel(
  "localhost:\(address.port ?? 0)",
  credentials: .tls(
    roots: .file("\(folder)/ca.crt"),
    certificateChain: .file("\(folder)/client-chain.crt"),
    privateKey: .file("\(folder)/client.key")))
let reply = try await Greet_Greeter.Client(known).sayHello(.with { $0.name = "world" })
print("With a certificate: \(reply.message)")

let unknown = try GRPCChannel(
  "localhost:\(address.port ?? 0)", credentials: .tls(roots: .file("\(folder)/ca.crt")))
do {
  _ = try await Greet_Greeter.Client(unknown).sayHello(.with { $0.name = "world" })
} catch let error as RPCError {
  print("Without: \(error)")
}

known.close()
unknown.close()
await server.shutDown(within: .seconds(1))
