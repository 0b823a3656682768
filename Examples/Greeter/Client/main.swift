internal import ExampleProtos
internal import ExampleSupport
internal import Tern

let arguments = ClientArguments(target: "localhost:50051")

let channel = try GRPCChannel(
  arguments.target, credentials: arguments.credentials, options: arguments.options)
let greeter = Greet_Greeter.Client(channel)

let reply = try await greeter.sayHello(.with { $0.name = "world" })
print("Greeter client received: \(reply.message)")
