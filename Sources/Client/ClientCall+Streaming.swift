public import TernCore
internal import TernEventLoop
internal import TernTransport

extension _ClientCall {
  /// The responses to the one request that is encoded already.
  @usableFromInline func responsesOfOneRequest<Message>(
    codec: MessageCodec<Message>
  ) -> ResponseStream<Message> {
    stream.endRequest()
    return ResponseStream(ResponseSource(self), codec: codec)
  }

  /// The request could not be encoded: whoever reads the responses will be told.
  @usableFromInline func failBeforeStart(_ error: any Error) {
    let failure =
      error as? RPCError
      ?? RPCError(.internal, "The request could not be encoded.", cause: error, origin: .caller)
    fail(failure)
  }

  /// Ends the call with an error of ours, in order with what was submitted before.
  func fail(_ error: RPCError) {
    let stream = stream
    stream.loop.submit { stream.giveUp(error) }
  }

  /// The requests could not all be written. If the call is over already, that was the reason.
  func failWriting(_ error: any Error) {
    let failure =
      error as? RPCError
      ?? RPCError(
        .cancelled, "The requests could not all be sent.", cause: error, origin: .caller)
    let stream = stream
    stream.loop.submit {
      if !stream.isAttemptOver { stream.giveUp(failure) }
    }
  }

  /// Runs `body`; cancelling the task gives the call up at once, whatever `body` waits for.
  nonisolated(nonsending) func cancellingWithTask<Result>(
    _ body: nonisolated(nonsending) () async throws -> Result
  ) async throws -> Result {
    try await withTaskCancellationHandler {
      try await body()
    } onCancel: {
      cancelByCaller()
    }
  }

  /// Whether the call is over, or nearly: interceptors may still have a say.
  nonisolated(nonsending) func isOver() async -> Bool {
    let stream = stream
    return await withCheckedContinuation { continuation in
      stream.loop.execute { continuation.resume(returning: stream.isOver || stream.isAttemptOver) }
    }
  }

  /// Runs `action` on the loop when the call is over.
  func whenOver(_ action: @escaping @Sendable () -> Void) {
    let stream = stream
    stream.loop.execute {
      if stream.isOver { action() } else { stream.onOver = action }
    }
  }
}
