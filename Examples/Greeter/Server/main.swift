internal import ExampleSupport
internal import GreeterService
internal import Tern

// Greets, until SIGTERM or SIGINT. Call it with greeter-client.
let port = Arguments.port(default: 50051)

let server = GRPCServer(services: [Greeter()])
try await server.run(on: .tcp("localhost", port), credentials: .insecure) { address in
  announce("Listening on \(address)")
}
