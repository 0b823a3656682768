public import TernCore
public import TernTransport

/// One method of a service with its handler, as a server runs it.
///
/// Generated code makes them. By hand it takes a method and a function:
///
/// ```swift
/// let echo = ServerMethod.unary(
///   RPCMethod(
///     MethodDescriptor(service: "test.Echo", method: "Echo", kind: .unary),
///     requestCodec: .bytes, responseCodec: .bytes)
/// ) { request, context in request }
/// ```
///
/// The four functions are thin: decode, call, encode. They are generic, and so are made anew in the
/// user's module for each type of message; all else works on bytes and exists once.
public struct ServerMethod: Sendable {
  @usableFromInline package typealias Body =
    nonisolated(nonsending) @Sendable (AnyObject) async throws -> Void

  public let descriptor: MethodDescriptor
  package let body: Body

  @usableFromInline package init(_ descriptor: MethodDescriptor, body: @escaping Body) {
    self.descriptor = descriptor
    self.body = body
  }

  /// One request, one response.
  @inlinable
  public static func unary<Request: Sendable, Response: Sendable>(
    _ method: RPCMethod<Request, Response>,
    _ handler:
      nonisolated(nonsending) @escaping @Sendable (Request, ServerContext) async throws -> Response
  ) -> ServerMethod {
    ServerMethod(method.descriptor) { task in
      let call = _ServerCall(task)
      let request = try unsafe _decode(call.request, with: method.requestCodec)
      if call.isObserved { try call.showRequest(request) }
      call.didTakeRequest()
      let context = ServerContext(call)
      let response: Response
      if let executor = call.otherExecutor {
        response = try await _run(call, on: executor) { try await handler(request, context) }
      } else {
        response = try await handler(request, context)
      }
      _ = try _MessageWriter(call, codec: method.responseCodec).put(response)
    }
  }

  /// One request, many responses.
  @inlinable
  public static func serverStreaming<Request: Sendable, Response: Sendable>(
    _ method: RPCMethod<Request, Response>,
    _ handler:
      nonisolated(nonsending) @escaping @Sendable (
        Request, ResponseWriter<Response>, ServerContext
      ) async throws -> Void
  ) -> ServerMethod {
    ServerMethod(method.descriptor) { task in
      let call = _ServerCall(task)
      let request = try unsafe _decode(call.request, with: method.requestCodec)
      if call.isObserved { try call.showRequest(request) }
      call.didTakeRequest()
      let context = ServerContext(call)
      let responses = ResponseWriter(call, codec: method.responseCodec)
      guard let executor = call.otherExecutor else {
        return try await handler(request, responses, context)
      }
      try await _run(call, on: executor) { try await handler(request, responses, context) }
    }
  }

  /// Many requests, one response.
  @inlinable
  public static func clientStreaming<Request: Sendable, Response: Sendable>(
    _ method: RPCMethod<Request, Response>,
    _ handler:
      nonisolated(nonsending) @escaping @Sendable (
        RequestStream<Request>, ServerContext
      ) async throws -> Response
  ) -> ServerMethod {
    ServerMethod(method.descriptor) { task in
      let call = _ServerCall(task)
      let context = ServerContext(call)
      let requests = RequestStream(call, codec: method.requestCodec)
      let response: Response
      if let executor = call.otherExecutor {
        response = try await _run(call, on: executor) { try await handler(requests, context) }
      } else {
        response = try await handler(requests, context)
      }
      _ = try _MessageWriter(call, codec: method.responseCodec).put(response)
    }
  }

  /// Many requests, many responses.
  @inlinable
  public static func bidirectional<Request: Sendable, Response: Sendable>(
    _ method: RPCMethod<Request, Response>,
    _ handler:
      nonisolated(nonsending) @escaping @Sendable (
        RequestStream<Request>, ResponseWriter<Response>, ServerContext
      ) async throws -> Void
  ) -> ServerMethod {
    ServerMethod(method.descriptor) { task in
      let call = _ServerCall(task)
      let context = ServerContext(call)
      let requests = RequestStream(call, codec: method.requestCodec)
      let responses = ResponseWriter(call, codec: method.responseCodec)
      guard let executor = call.otherExecutor else {
        return try await handler(requests, responses, context)
      }
      try await _run(call, on: executor) { try await handler(requests, responses, context) }
    }
  }
}

extension HandlerExecution {
  /// `nil`: on the event loop.
  var otherExecutor: (any TaskExecutor)? {
    switch place {
    case .executor(let executor): executor
    case .concurrentPool: globalConcurrentExecutor
    case .eventLoop: nil
    }
  }
}

/// Runs a handler on another executor; comes back to the loop.
@inlinable
nonisolated(nonsending) func _run<Result: Sendable>(
  _ call: _ServerCall, on executor: any TaskExecutor,
  _ body: nonisolated(nonsending) @escaping @Sendable () async throws -> Result
) async throws -> Result {
  try await withTaskExecutorPreference(executor) { try await _runConcurrently(call, body) }
}

/// A nonsending function would stay on the loop; this one goes to the preferred executor.
@concurrent @inlinable
func _runConcurrently<Result: Sendable>(
  _ call: _ServerCall,
  _ body: nonisolated(nonsending) @escaping @Sendable () async throws -> Result
) async throws -> Result {
  // The compiler leaves the change of executor out before a function that only awaits another one;
  // this has to run in the new place. And the call may have been given up on the way.
  try Task.checkCancellation()
  defer { call.handlerDidReturn() }
  return try await body()
}

/// A service: what generated code makes of a `service` in a `.proto` file, and users implement.
public protocol RPCService: Sendable {
  /// The methods with their handlers.
  var serverMethods: [ServerMethod] { get }
}
