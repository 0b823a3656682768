internal import ExampleProtos
internal import Tern

// Call credentials: each call says on whose behalf it is made, here with a bearer token. They only
// travel over TLS. `make certs` writes the files; give another folder as the first argument.
let folder = CommandLine.arguments.dropFirst().first ?? "Certs/out"

struct GuardedGreeter: Greet_Greeter.Service {
  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    guard context.metadata.first("authorization") == "Bearer open sesame" else {
      throw RPCError(.unauthenticated, "The token is missing or wrong.")
    }
    return .with { $0.message = "Hello, \(request.name)! Your token is good." }
  }
}

let server = GRPCServer(services: [GuardedGreeter()])
let address = try await server.start(
  on: .tcp("localhost", 0),
  credentials: .tls(
    certificateChain: .file("\(folder)/server-chain.crt"),
    privateKey: .file("\(folder)/server.key")))

// Called for each call, and told for which: a real one would ask a token server, and keep the
// answer until it expires.
let token = CallCredentials { call in
  print("A token for \(call.method) is wanted.")
  return ["authorization": "Bearer open sesame"]
}

let channel = try GRPCChannel(
  "localhost:\(address.port ?? 0)", credentials: .tls(roots: .file("\(folder)/ca.crt")))
let greeter = Greet_Greeter.Client(channel)
// For all calls of a channel: `.tls(…).adding(token)`. For one call:
let reply = try await greeter.sayHello(
  .with { $0.name = "world" }, options: CallOptions(credentials: token))
print("With a token: \(reply.message)")
do {
  _ = try await greeter.sayHello(.with { $0.name = "world" })
} catch let error as RPCError {
  print("Without: \(error)")
}

// A plaintext channel refuses before anything leaves.
let plaintext = try GRPCChannel("localhost:\(address.port ?? 0)", credentials: .insecure)
do {
  _ = try await Greet_Greeter.Client(plaintext).sayHello(
    .with { $0.name = "world" }, options: CallOptions(credentials: token))
} catch let error as RPCError {
  print("In plaintext: \(error)")
}

channel.close()
plaintext.close()
await server.shutDown(within: .seconds(1))
