// What users write, in each mode of the compiler: calls of all four kinds, from wherever the mode
// puts a function, and from outside of all actors.
import Tern

func greet(_ channel: GRPCChannel) async throws -> String {
  let greeter = Greet_Greeter.Client(channel)
  let reply = try await greeter.sayHello(
    .with { $0.name = "world" }, options: CallOptions(timeout: .seconds(1)))
  return reply.message
}

nonisolated func greetFromNowhere(_ channel: GRPCChannel) async throws -> String {
  try await Greet_Greeter.Client(channel).sayHello(.with { $0.name = "world" }).message
}

func countUp(_ channel: GRPCChannel) async throws -> [Int32] {
  var numbers: [Int32] = []
  let client = NumberStream_NumberService.Client(channel)
  for try await response in client.getNumbers(.with { $0.limit = 10 }) {
    numbers.append(response.number)
  }
  return numbers
}

func addUp(_ channel: GRPCChannel) async throws -> Int32 {
  let client = SumStream_SumService.Client(channel)
  let total = try await client.calculateSum((1...5).map { n in .with { $0.number = n } })
  let same = try await client.calculateSum { requests in
    for n in 1...5 { try await requests.send(.with { $0.number = Int32(n) }) }
  }
  return total.sum + same.sum
}

func talk(_ channel: GRPCChannel) async throws -> [String] {
  var answers: [String] = []
  let client = Chat_ChatService.Client(channel)
  for try await answer in client.chat([.with { $0.message = "Hello" }]) {
    answers.append(answer.message)
  }
  return answers
}
