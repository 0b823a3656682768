internal import ExampleProtos
internal import ExampleSupport
internal import Tern

let target = Arguments.target(default: "localhost:50051")

let channel = try GRPCChannel(target, credentials: .insecure)
let greeter = Greet_Greeter.Client(channel)

let reply = try await greeter.sayHello(.with { $0.name = "world" })
print("Greeter client received: \(reply.message)")
