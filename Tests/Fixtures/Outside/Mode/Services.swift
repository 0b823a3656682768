// What users write, in each mode of the compiler: handlers of all four kinds, on structures, actors
// and the main actor.
import Tern

struct Greeter: Greet_Greeter.Service {
  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    .with { $0.message = "Hello, \(request.name)!" }
  }
}

actor CountingGreeter: Greet_Greeter.Service {
  private var count = 0

  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    count += 1
    return .with { $0.message = "Hello, \(request.name), number \(count)!" }
  }
}

@MainActor final class MainActorGreeter: Greet_Greeter.Service {
  private var count = 0

  // Without the attribute the method would take over the isolation of its requirement where
  // NonisolatedNonsendingByDefault is on: none.
  @MainActor func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    count += 1
    return .with { $0.message = "Hello, \(request.name), number \(count)!" }
  }
}

struct Numbers: NumberStream_NumberService.Service {
  func getNumbers(
    _ request: NumberStream_NumberRequest,
    responses: ResponseWriter<NumberStream_NumberResponse>, context: ServerContext
  ) async throws {
    for number in 0..<request.limit { try await responses.send(.with { $0.number = number }) }
  }
}

struct Sums: SumStream_SumService.Service {
  func calculateSum(
    _ requests: RequestStream<SumStream_NumberRequest>, context: ServerContext
  ) async throws -> SumStream_SumResponse {
    var sum: Int32 = 0
    for try await request in requests { sum &+= request.number }
    return .with { $0.sum = sum }
  }
}

struct Chat: Chat_ChatService.Service {
  func chat(
    _ requests: RequestStream<Chat_ChatRequest>,
    responses: ResponseWriter<Chat_ChatResponse>, context: ServerContext
  ) async throws {
    for try await request in requests {
      try await responses.send(.with { $0.message = "You said: \(request.message)" })
    }
  }
}

@MainActor func makeServer() -> GRPCServer {
  GRPCServer(services: [
    Greeter(), CountingGreeter(), MainActorGreeter(), Numbers(), Sums(), Chat(),
  ])
}
