internal import ExampleProtos
internal import Tern

// Cancellation is that of Swift: who cancels the task that waits for a call, or leaves the loop over
// its responses, gives the call up; and the task of its handler is cancelled.

/// Sends numbers for as long as somebody listens.
struct Counting: NumberStream_NumberService.Service {
  func getNumbers(
    _ request: NumberStream_NumberRequest,
    responses: ResponseWriter<NumberStream_NumberResponse>, context: ServerContext
  ) async throws {
    // For what has to be told, such as a query in a database: runs once, and not if all goes well.
    context.onCancel { reason in report.yield("The server stops counting: \(reason).") }
    for number in 0..<request.limit {
      try await responses.send(.with { $0.number = number })
      // What waits ends at once, with CancellationError. What computes asks `context.isCancelled`.
      try await Task.sleep(for: .milliseconds(1))
    }
  }
}

let (reports, report) = AsyncStream<String>.makeStream()

let server = GRPCServer(services: [Counting()])
let address = try await server.start(on: .tcp("localhost", 0), credentials: .insecure)
let channel = try GRPCChannel("\(address)", credentials: .insecure)
let numbers = NumberStream_NumberService.Client(channel)

// To the end: nothing is given up.
var sum: Int32 = 0
for try await response in numbers.getNumbers(.with { $0.limit = 5 }) { sum += response.number }
print("All of five numbers: \(sum)")

// Leaving the loop is enough. (In a function: what stands in the top level of a program, such as the
// loop's iterator, lives to its end.)
func countToThree() async throws {
  let responses = numbers.getNumbers(.with { $0.limit = .max })
  for try await response in responses where response.number == 3 {
    print("Three is enough.")
    break
  }
}
try await countToThree()
for await text in reports {
  print(text)
  break
}

// So is cancelling the task. Groups and `async let` do so by themselves when another child has failed.
let (starts, start) = AsyncStream<Void>.makeStream()
let listener = Task {
  for try await _ in numbers.getNumbers(.with { $0.limit = .max }) { start.yield() }
}
for await _ in starts { break }
listener.cancel()
do {
  try await listener.value
} catch let error as RPCError {
  print("The client: \(error)")
}
for await text in reports {
  print(text)
  break
}

channel.close()
await server.shutDown(within: .seconds(1))
