internal import Foundation
internal import InteropProtos
internal import Tern

/// Statuses, missing methods, cancellation, deadlines.
extension CaseClient {
  func statusCodeAndMessage() async throws {
    let status = Grpc_Testing_EchoStatus.with {
      $0.code = Int32(StatusCode.unknown.rawValue)
      $0.message = "test status message"
    }
    try await expectStatus("UnaryCall", status) {
      _ = try await stub.unaryCall(.with { $0.responseStatus = status }, options: options())
    }
    try await expectStatus("FullDuplexCall", status) {
      for try await _ in stub.fullDuplexCall(
        [.with { $0.responseStatus = status }], options: options())
      {}
    }
  }

  func specialStatusMessage() async throws {
    let status = Grpc_Testing_EchoStatus.with {
      $0.code = Int32(StatusCode.unknown.rawValue)
      $0.message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    }
    try await expectStatus("UnaryCall", status) {
      _ = try await stub.unaryCall(.with { $0.responseStatus = status }, options: options())
    }
  }

  /// The code and, byte by byte, the message: two strings may be equal and differ in their bytes.
  private func expectStatus(
    _ what: String, _ status: Grpc_Testing_EchoStatus, _ call: () async throws -> Void
  ) async throws {
    let error = try await expect(what, .unknown, call)
    try expect("\(what), its message", Array(error.message.utf8), is: Array(status.message.utf8))
  }

  func unimplementedMethod() async throws {
    try await expect("UnimplementedCall", .unimplemented) {
      _ = try await stub.unimplementedCall(Grpc_Testing_Empty(), options: options())
    }
  }

  func unimplementedService() async throws {
    let missing = Grpc_Testing_UnimplementedService.Client(channel)
    try await expect("UnimplementedService", .unimplemented) {
      _ = try await missing.unimplementedCall(Grpc_Testing_Empty(), options: options())
    }
  }

  func cancelAfterBegin() async throws {
    // A task of its own, since cancelling a task is how a call is given up.
    let (begun, beginning) = AsyncStream<Never>.makeStream()
    let call = Task {
      try await stub.streamingInputCall(options: options()) { _ in
        beginning.finish()
        try await Task.sleep(for: .seconds(60))
      }
    }
    for await _ in begun {}
    call.cancel()
    try await expect("StreamingInputCall", .cancelled) { _ = try await call.value }
  }

  func cancelAfterFirstResponse() async throws {
    let call = Task {
      try await stub.fullDuplexCall(options: options()) { requests, responses in
        var answers = responses.makeAsyncIterator()
        try await requests.send(duplexRequest(responseBytes: 31_415, bytes: 27_182))
        let first = try await expectOK("the first response") { try await answers.next() }
        try expect("its size", first?.payload.body.count, is: 31_415)
        cancelThisTask()
        return try await answers.next()
      }
    }
    try await expect("FullDuplexCall", .cancelled) { _ = try await call.value }
  }

  func timeoutOnSleepingServer() async throws {
    try await expect("FullDuplexCall", .deadlineExceeded) {
      try await stub.fullDuplexCall(options: options(timeout: .milliseconds(1))) {
        requests, responses in
        try await requests.send(.with { $0.payload.body = Data(count: 27_182) })
        // Not finished: without its deadline the call would go on.
        for try await _ in responses {}
      }
    }
  }

  private nonisolated func cancelThisTask() {
    unsafe withUnsafeCurrentTask { task in unsafe task?.cancel() }
  }
}
