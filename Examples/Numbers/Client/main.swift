internal import ExampleProtos
internal import ExampleSupport
internal import Tern

let target = Arguments.target(default: "localhost:50052")

let channel = try GRPCChannel(target, credentials: .insecure)
let numbers = NumberStream_NumberService.Client(channel)

for try await response in numbers.getNumbers(.with { $0.limit = 10 }) {
  print("Received number: \(response.number)")
}
