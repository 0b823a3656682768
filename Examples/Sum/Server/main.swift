internal import ExampleSupport
internal import SumService
internal import Tern

// Adds up, until SIGTERM or SIGINT. Call it with sum-client.
let port = Arguments.port(default: 50053)

let server = GRPCServer(services: [Sums()])
try await server.run(on: .tcp("localhost", port), credentials: .insecure) { address in
  announce("Listening on \(address)")
}
