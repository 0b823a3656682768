internal import ChatService
internal import ExampleSupport
internal import GreeterService
internal import NumbersService
internal import SumService
internal import Tern

// All four services on one port: a server may have as many as it likes.
let port = Arguments.port(default: 50051)

let server = GRPCServer(services: [Greeter(), Numbers(), Sums(), Chat()])
try await server.run(on: .tcp("localhost", port), credentials: .insecure) { address in
  announce("Listening on \(address)")
}
