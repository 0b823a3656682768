internal import ExampleProtos
internal import ExampleSupport
internal import Tern

let arguments = ClientArguments(target: "localhost:50053")

let channel = try GRPCChannel(
  arguments.target, credentials: arguments.credentials, options: arguments.options)
let sums = SumStream_SumService.Client(channel)

let total = try await sums.calculateSum((1...5).map { number in .with { $0.number = number } })
print("Sum: \(total.sum)")
