internal import ChatService
internal import ExampleSupport
internal import GreeterService
internal import NumbersService
internal import SumService
internal import Tern

// All four services on one port: a server may have as many as it likes.
let arguments = ServerArguments(port: 50051)

let server = GRPCServer(
  services: [Greeter(), Numbers(), Sums(), Chat()], options: arguments.options)
try await server.run(on: .tcp("localhost", arguments.port), credentials: arguments.credentials) {
  announce("Listening on \($0)")
}
