internal import ExampleSupport
internal import GreeterService
internal import Tern

// Greets, until SIGTERM or SIGINT. Call it with greeter-client.
let arguments = ServerArguments(port: 50051)

let server = GRPCServer(services: [Greeter()], options: arguments.options)
try await server.run(on: .tcp("localhost", arguments.port), credentials: arguments.credentials) {
  announce("Listening on \($0)")
}
