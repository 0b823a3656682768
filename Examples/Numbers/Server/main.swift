internal import ExampleSupport
internal import NumbersService
internal import Tern

// Counts, until SIGTERM or SIGINT. Call it with number-client.
let arguments = ServerArguments(port: 50052)

let server = GRPCServer(services: [Numbers()], options: arguments.options)
try await server.run(on: .tcp("localhost", arguments.port), credentials: arguments.credentials) {
  announce("Listening on \($0)")
}
