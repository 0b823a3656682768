internal import TernCore
internal import TernEventLoop
internal import TernTransport

extension _ClientCall {
  /// Has `write` send the requests of a call whose response is one message.
  ///
  /// - Throws: What `write` throws, unless the call is over: a server that answers early makes writing
  ///   fail, and what it answered is the result.
  nonisolated(nonsending) func writeRequests(
    _ write: nonisolated(nonsending) () async throws -> Void
  ) async throws {
    do {
      try await write()
      finishRequest()
    } catch {
      if await isOver() { return }
      leave()
      // The task was cancelled, and that is how the call ends.
      if Task.isCancelled, error is CancellationError { return }
      throw error
    }
  }

  // Spec: W18 (a deadline is reported at once, whatever the closure waits for)
  // Spec: W65 (the server has ended early: we stop sending)
  /// Has `write` send the requests in a child task, which is cancelled when the call is over; waits
  /// for both. Cancelling the task gives the call up.
  ///
  /// - Throws: What the call failed with, or else `write`.
  nonisolated(nonsending) func whileItLasts(
    _ write: nonisolated(nonsending) () async throws -> Void
  ) async throws {
    let isolation = #isolation
    // `unsafe` because this function waits until the child task that runs it has ended.
    nonisolated(unsafe) let write = write
    try await unsafe withoutActuallyEscaping(write) { write in
      nonisolated(unsafe) let write = write
      try await run(unsafe BorrowedClosure(write), isolation: isolation)
    }
  }

  private nonisolated(nonsending) func run(
    _ writing: BorrowedClosure, isolation: (any Actor)?
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await writing.run(for: self, isolation: isolation) }
      let outcome: Result<Void, any Error>
      do {
        try await waitUntilOver()
        outcome = .success(())
      } catch {
        outcome = .failure(error)
      }
      group.cancelAll()
      // What `write` threw made the call end, if it has thrown anything.
      try await group.waitForAll()
      try outcome.get()
    }
  }
}

/// A closure of a caller who waits until it has returned.
private struct BorrowedClosure: @unchecked Sendable {
  // `@unchecked Sendable` because whoever has made it waits for the task that runs it, and both run
  // where the caller is isolated to: never two at once.
  private let body: nonisolated(nonsending) () async throws -> Void

  init(_ body: nonisolated(nonsending) @escaping () async throws -> Void) { self.body = body }

  func run(for call: _ClientCall, isolation: isolated (any Actor)?) async throws {
    try await call.writeRequests(body)
  }
}
