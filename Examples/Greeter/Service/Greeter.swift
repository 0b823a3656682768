public import ExampleProtos
public import Tern

/// Unary: one request, one response.
public struct Greeter: Greet_Greeter.Service {
  public init() {}

  public func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    .with { $0.message = "Hello, \(request.name)!" }
  }
}
