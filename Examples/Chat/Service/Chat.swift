public import ExampleProtos
public import Tern

/// Bidirectional: many requests, many responses, in any order that the two agree on.
public struct Chat: Chat_ChatService.Service {
  public init() {}

  public func chat(
    _ requests: RequestStream<Chat_ChatRequest>,
    responses: ResponseWriter<Chat_ChatResponse>, context: ServerContext
  ) async throws {
    for try await request in requests {
      try await responses.send(.with { $0.message = "You said: \(request.message)" })
    }
  }
}
