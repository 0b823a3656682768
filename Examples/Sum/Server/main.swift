internal import ExampleSupport
internal import SumService
internal import Tern

// Adds up, until SIGTERM or SIGINT. Call it with sum-client.
let arguments = ServerArguments(port: 50053)

let server = GRPCServer(services: [Sums()], options: arguments.options)
try await server.run(on: .tcp("localhost", arguments.port), credentials: arguments.credentials) {
  announce("Listening on \($0)")
}
