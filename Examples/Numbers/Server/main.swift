internal import ExampleSupport
internal import NumbersService
internal import Tern

// Counts, until SIGTERM or SIGINT. Call it with number-client.
let port = Arguments.port(default: 50052)

let server = GRPCServer(services: [Numbers()])
try await server.run(on: .tcp("localhost", port), credentials: .insecure) { address in
  announce("Listening on \(address)")
}
