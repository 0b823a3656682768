internal import ExampleProtos
internal import ExampleSupport
internal import Tern

let target = Arguments.target(default: "localhost:50053")

let channel = try GRPCChannel(target, credentials: .insecure)
let sums = SumStream_SumService.Client(channel)

let total = try await sums.calculateSum((1...5).map { number in .with { $0.number = number } })
print("Sum: \(total.sum)")
