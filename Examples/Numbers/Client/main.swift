internal import ExampleProtos
internal import ExampleSupport
internal import Tern

let arguments = ClientArguments(target: "localhost:50052")

let channel = try GRPCChannel(
  arguments.target, credentials: arguments.credentials, options: arguments.options)
let numbers = NumberStream_NumberService.Client(channel)

for try await response in numbers.getNumbers(.with { $0.limit = 10 }) {
  print("Received number: \(response.number)")
}
