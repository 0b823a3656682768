internal import ChatService
internal import ExampleSupport
internal import Tern

// Answers each message, until SIGTERM or SIGINT. Talk to it with chat-client.
let arguments = ServerArguments(port: 50054)

let server = GRPCServer(services: [Chat()], options: arguments.options)
try await server.run(on: .tcp("localhost", arguments.port), credentials: arguments.credentials) {
  announce("Listening on \($0)")
}
