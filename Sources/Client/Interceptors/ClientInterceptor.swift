public import TernCore

/// Wraps around the calls of a channel: sees each before it is sent, and its outcome after.
///
/// ```swift
/// struct Tenant: ClientInterceptor {
///   func intercept(_ call: ClientCall, next: Next) async throws {
///     call.metadata.append("tenant", "tern")
///     try await next()
///   }
/// }
/// ```
///
/// One form serves all four kinds of call. `next` runs the interceptors further in, sends the call,
/// and returns when it has ended with OK; it throws `RPCError` for any other status. Responses of a
/// stream reach the caller meanwhile. What is thrown here is what the caller is thrown.
///
/// Where the request is one message, `next` may be called again after it has thrown, and then sends
/// the call again; unless the caller has seen a part of the response, or the request is longer than
/// 256 KiB. Otherwise a second `next` throws.
///
/// Interceptors run one inside the other, in the order of the array: the first is the outermost.
/// Those of the channel come first, then the call's.
///
/// ```
/// interceptors: [a, b]      request ─▶ a ─▶ b ─▶ server
///                          response ◀─ a ◀─ b ◀───┘
/// ```
///
/// They run in a task of their own, which inherits the caller's task-local values, prefers the
/// channel's event loop, and so must not block its thread. When the deadline passes or the caller
/// gives the call up, the caller hears of it at once, and this task is cancelled.
public protocol ClientInterceptor: Sendable {
  /// Goes on with a call: the interceptors further in, and the server.
  typealias Next = nonisolated(nonsending) @Sendable () async throws -> Void

  /// - Parameters:
  ///   - call: What is known of the call, and what may be changed.
  ///   - next: Goes on with the call.
  /// - Throws: What the caller is to be thrown: `RPCError`; anything else becomes the cause of one.
  nonisolated(nonsending) func intercept(_ call: ClientCall, next: Next) async throws
}

extension CallOptions {
  /// Wrap around this call, further in than those of its channel. The first is the outermost. None.
  public var interceptors: [any ClientInterceptor] {
    get { attachedInterceptors.compactMap { $0 as? any ClientInterceptor } }
    set { attachedInterceptors = newValue }
  }
}
