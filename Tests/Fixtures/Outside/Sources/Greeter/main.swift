import Tern

struct Greeter: Greet_Greeter.Service {
  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    .with { $0.message = "Hello, \(request.name)!" }
  }
}

let server = GRPCServer(services: [Greeter()])
let address = try await server.start(on: .tcp("127.0.0.1", 0), credentials: .insecure)

let channel = try GRPCChannel("\(address)", credentials: .insecure)
let greeter = Greet_Greeter.Client(channel)
let reply = try await greeter.sayHello(.with { $0.name = "world" })
print("Greeter client received: \(reply.message)")

await server.shutDown(within: .seconds(5))
