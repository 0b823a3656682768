/// Wraps around the calls of a server: sees each before its handler does, and its outcome after.
///
/// ```swift
/// struct Timing: ServerInterceptor {
///   func intercept(_ call: ServerCall, next: Next) async throws {
///     let start = ContinuousClock.now
///     defer { print(call.method, ContinuousClock.now - start) }
///     try await next()
///   }
/// }
/// ```
///
/// One form serves all four kinds of call. `next` runs the interceptors further in and the handler,
/// and returns when the handler has; it throws what the handler throws. To refuse a call, throw
/// instead of calling it. What is thrown here is the call's outcome as if the handler had thrown it.
///
/// Interceptors run one inside the other, in the order of the array: the first is the outermost.
/// Those of the server come first, then the service's, then the method's.
///
/// ```
/// interceptors: [a, b]      request ─▶ a ─▶ b ─▶ handler
///                          response ◀─ a ◀─ b ◀────┘
/// ```
///
/// An interceptor runs on the event loop of the call's connection, even where the handler runs
/// elsewhere, so it must not block its thread; one that is an actor runs there, and comes back to the
/// loop with `next`. Calls of methods that the server does not have, and those whose request is
/// refused for its form, do not come here.
public protocol ServerInterceptor: Sendable {
  /// Goes on with a call: the interceptors further in, and the handler.
  typealias Next = nonisolated(nonsending) @Sendable () async throws -> Void

  /// - Parameters:
  ///   - call: What is known of the call, and what may be changed.
  ///   - next: Goes on with the call. To be called once, or not at all.
  /// - Throws: `RPCError` for the status of the call; anything else is `UNKNOWN`.
  nonisolated(nonsending) func intercept(_ call: ServerCall, next: Next) async throws
}
