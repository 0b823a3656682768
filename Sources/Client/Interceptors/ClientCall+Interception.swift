internal import Synchronization
public import TernCore
internal import TernEventLoop
internal import TernTransport

extension _ClientCall {
  /// Whether interceptors send the call.
  @usableFromInline var isIntercepted: Bool { !interceptors.isEmpty }

  // MARK: Messages that interceptors may want to see

  /// Keeps the one request, which is encoded already, for those who want to see it.
  @usableFromInline func keep<Request: Sendable>(_ request: Request, byteCount: Int) {
    stream.interception?.showRequest = { try $0.showOutbound(request, byteCount: byteCount) }
  }

  /// Keeps how the one response is decoded.
  @usableFromInline func keepDecoder<Reply>(_ codec: MessageCodec<Reply>) {
    stream.interception?.showResponse = { stream in
      let bytes = try unsafe stream.singleResponse()
      try stream.showInbound(unsafe _decode(bytes, with: codec), byteCount: bytes.count)
    }
  }

  // MARK: The chain

  /// Lets the interceptors begin, which send the call.
  func startIntercepted() {
    guard let interception = stream.interception else { return }
    let stream = stream
    // The deadline counts while they think.
    stream.loop.execute { stream.begin() }
    // Not detached: interceptors see the caller's task-locals, such as its trace.
    interception.run(
      in: Task(executorPreference: stream.loop) {
        let outcome = await runInterceptors(interception)
        stream.loop.execute { stream.endInterception(outcome) }
      })
  }

  /// Waits until requests may be written: interceptors see all of them, and so have to be first.
  nonisolated(nonsending) func waitUntilStarted() async {
    if !isIntercepted { return }
    let stream = stream
    await withTaskCancellationHandler {
      await unsafe withUnsafeContinuation { continuation in
        stream.loop.execute { unsafe stream.whenStarted(continuation) }
      }
    } onCancel: {
      cancelByCaller()
    }
  }

  private nonisolated(nonsending) func runInterceptors(
    _ interception: Interception
  ) async -> RPCError? {
    do {
      try await runInterceptors(from: 0, interception)
      return nil
    } catch let error as RPCError where error.code != .ok {
      return error
    } catch is CancellationError {
      return RPCError(.cancelled, "An interceptor was cancelled.", origin: .caller)
    } catch {
      return RPCError(
        .internal, "An interceptor failed with something that is no status: \(error)",
        cause: error, origin: .caller)
    }
  }

  private nonisolated(nonsending) func runInterceptors(
    from index: Int, _ interception: Interception
  ) async throws {
    guard index < interceptors.count else { return try await attempt(interception) }
    try await interceptors[index].intercept(ClientCall(self, interception)) {
      try await runInterceptors(from: index + 1, interception)
    }
    let needsResponse = !stream.descriptor.kind.hasResponseStream
    if interception.wasAttempted || !needsResponse || interception.hasResponded { return }
    throw RPCError(
      .internal,
      "\(type(of: interceptors[index])) has neither called 'next', nor responded, nor thrown. The "
        + "method has to have one response.",
      origin: .caller)
  }

  // MARK: Attempts

  /// Sends the call and waits until it has ended. What all interceptors have around.
  private nonisolated(nonsending) func attempt(_ interception: Interception) async throws {
    let (problem, authority) = interception.options.withLock { ($0.metadata.problem, $0.authority) }
    if let problem { throw RPCError(.internal, problem, origin: .caller) }
    if let authority { try core.check(authority) }
    if interception.wasAttempted {
      await waitUntilGone()
    } else if stream.isObserved {
      try interception.showRequest?(stream)
    }
    if let error = await send() { throw error }
    let hasOneResponse = !stream.descriptor.kind.hasResponseStream
    if hasOneResponse, stream.isObserved { try interception.showResponse?(stream) }
  }

  private nonisolated(nonsending) func waitUntilGone() async {
    let stream = stream
    await unsafe withUnsafeContinuation { continuation in
      stream.loop.execute { unsafe stream.whenAttemptIsGone(continuation) }
    }
  }

  /// - Returns: What the attempt failed with.
  private nonisolated(nonsending) func send() async -> RPCError? {
    let (stream, core) = (stream, core)
    await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      stream.loop.execute {
        core.sendAttempt(stream)
        unsafe stream.whenAttemptIsOver(continuation)
      }
    }
    return await withCheckedContinuation { continuation in
      stream.loop.execute { continuation.resume(returning: stream.attemptFailure) }
    }
  }
}

extension ChannelCore {
  /// Sends a call that has begun, for the first time or once more. On the loop.
  fileprivate func sendAttempt(_ stream: ClientStream) {
    if stream.isOver { return }
    if stream.wasAttempted {
      do throws(RPCError) {
        try stream.prepareToSendAgain()
      } catch {
        return stream.refuseAttempt(error)
      }
    }
    stream.beginAttempt()
    send(begun: stream)
  }
}
