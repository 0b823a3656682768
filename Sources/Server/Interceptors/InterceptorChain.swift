internal import TernCore
internal import TernEventLoop
internal import TernTransport

/// Interceptors around what a method does. Made once a method, so that a call finds one function
/// to run, and those without interceptors the handler's own.
enum InterceptorChain {
  /// - Parameter interceptors: The outermost first.
  static func wrap(
    _ body: @escaping LoopTaskBody, in interceptors: [any ServerInterceptor], kind: CallKind
  ) -> LoopTaskBody {
    if interceptors.isEmpty { return body }
    // Not 'reduce': what passes through a generic function is called through a thunk ever after.
    var chain = once(body)
    for interceptor in interceptors.reversed() {
      chain = link(interceptor, chain, needsResponse: !kind.hasResponseStream)
    }
    return chain
  }

  private static func link(
    _ interceptor: any ServerInterceptor, _ next: @escaping LoopTaskBody, needsResponse: Bool
  ) -> LoopTaskBody {
    { task in
      let call = ServerCall(_ServerCall(task))
      let stream = call.stream
      try await interceptor.intercept(call) { try await onLoop(of: stream, next) }
      // The innermost one that is silent is asked first.
      if needsResponse, !stream.hasHandlerBegun, !stream.hasResponse {
        throw withoutResponse(interceptor)
      }
    }
  }

  /// Handlers belong on the loop; an interceptor may be an actor, or on the main one.
  private static nonisolated(nonsending) func onLoop(
    of stream: ServerStream, _ body: LoopTaskBody
  ) async throws {
    if stream.loop.isCurrent { return try await body(stream) }
    try await hopAndRun(body, stream)
  }

  @concurrent private static func hopAndRun(
    _ body: LoopTaskBody, _ stream: ServerStream
  ) async throws {
    // The compiler leaves the change of executor out before a function that only awaits another one.
    try Task.checkCancellation()
    try await body(stream)
  }

  /// The handler itself, once: it takes the requests, and a second one would have none.
  private static func once(_ handler: @escaping LoopTaskBody) -> LoopTaskBody {
    { task in
      let stream = ServerCall(_ServerCall(task)).stream
      if stream.hasHandlerBegun {
        throw RPCError(
          .internal, "An interceptor has called 'next' twice. A handler can run once; call it once."
        )
      }
      // Given up while an interceptor was thinking: the request is gone, and nobody waits for an answer.
      if stream.isOver { throw stream.overError }
      stream.hasHandlerBegun = true
      // What it registered for its cancellation is over with it, not with its interceptors.
      defer { stream.handlerDidReturn() }
      try await handler(task)
    }
  }

  private static func withoutResponse(_ interceptor: any ServerInterceptor) -> RPCError {
    RPCError(
      .internal,
      "\(type(of: interceptor)) has neither called 'next', nor responded, nor thrown. The method has "
        + "to have one response.")
  }
}
