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
    interceptors.reversed().reduce(body) { next, interceptor in
      link(interceptor, next, needsResponse: !kind.hasResponseStream)
    }
  }

  private static func link(
    _ interceptor: any ServerInterceptor, _ next: @escaping LoopTaskBody, needsResponse: Bool
  ) -> LoopTaskBody {
    { task in
      let call = ServerCall(_ServerCall(task))
      var timesCalled = 0
      try await interceptor.intercept(call) {
        timesCalled += 1
        if timesCalled > 1 { throw tooOften(interceptor) }
        try await next(task)
      }
      if timesCalled == 0, needsResponse, !call.stream.hasResponse {
        throw withoutResponse(interceptor)
      }
    }
  }

  /// A handler has taken the requests; there is nothing left to run a second one with.
  private static func tooOften(_ interceptor: any ServerInterceptor) -> RPCError {
    RPCError(
      .internal,
      "\(type(of: interceptor)) has called 'next' twice. A handler can run once; call it once.")
  }

  private static func withoutResponse(_ interceptor: any ServerInterceptor) -> RPCError {
    RPCError(
      .internal,
      "\(type(of: interceptor)) has neither called 'next', nor responded, nor thrown. The method has "
        + "to have one response.")
  }
}
