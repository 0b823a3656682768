public import ExampleProtos
public import Tern

/// Server streaming: one request, many responses.
public struct Numbers: NumberStream_NumberService.Service {
  public init() {}

  public func getNumbers(
    _ request: NumberStream_NumberRequest,
    responses: ResponseWriter<NumberStream_NumberResponse>, context: ServerContext
  ) async throws {
    // A limit below zero is a mistake of the caller's, and a range would trap on it.
    guard request.limit >= 0 else { throw RPCError(.invalidArgument, "The limit is below zero.") }
    for number in 0..<request.limit { try await responses.send(.with { $0.number = number }) }
  }
}
