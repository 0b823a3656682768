internal import ChatService
internal import ExampleSupport
internal import Tern

// Answers each message, until SIGTERM or SIGINT. Talk to it with chat-client.
let port = Arguments.port(default: 50054)

let server = GRPCServer(services: [Chat()])
try await server.run(on: .tcp("localhost", port), credentials: .insecure) { address in
  announce("Listening on \(address)")
}
