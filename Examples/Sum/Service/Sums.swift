public import ExampleProtos
public import Tern

/// Client streaming: many requests, one response.
public struct Sums: SumStream_SumService.Service {
  public init() {}

  public func calculateSum(
    _ requests: RequestStream<SumStream_NumberRequest>, context: ServerContext
  ) async throws -> SumStream_SumResponse {
    var sum: Int32 = 0
    for try await request in requests { sum &+= request.number }  // &+: wraps, does not trap
    return .with { $0.sum = sum }
  }
}
