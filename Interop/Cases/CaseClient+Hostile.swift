internal import InteropProtos
internal import Tern

/// What a client has to make of servers that are odd or wrong.
extension CaseClient {
  func goAway() async throws {
    try await call(request())
    // The case asks for a second: the GOAWAY may come behind the response.
    try await Task.sleep(for: .seconds(1))
    try await call(request())
  }

  /// No status came, so it is ours; which one, gRPC's description leaves open.
  func reset() async throws {
    do {
      _ = try await stub.unaryCall(request(), options: options())
    } catch let error as RPCError {
      if error.code != .deadlineExceeded { return }
      throw TestCase.Failure(description: "UnaryCall: expected an end, but it hung: \(error)")
    }
    throw TestCase.Failure(description: "UnaryCall: expected an error, saw OK")
  }

  func maxStreams() async throws {
    // Lets the server's SETTINGS arrive.
    try await call(request())
    try await withThrowingTaskGroup { calls in
      for _ in 0..<10 { calls.addTask { try await call(request()) } }
      try await calls.waitForAll()
    }
  }
}
