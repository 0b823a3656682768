public import TernCore

/// A method that takes one request and gives many responses.
///
/// ```swift
/// for try await response in numbers.getNumbers(request) { print(response.number) }
/// ```
public struct ServerStreamingCallable<Request: Sendable, Reply: Sendable>: Sendable {
  @usableFromInline let channel: GRPCChannel
  @usableFromInline let method: RPCMethod<Request, Reply>

  public init(_ channel: GRPCChannel, _ method: RPCMethod<Request, Reply>) {
    self.channel = channel
    self.method = method
  }

  /// The responses to a request. The call begins when they are first iterated.
  @inlinable
  public func callAsFunction(
    _ request: Request, options: CallOptions = CallOptions()
  ) -> ResponseStream<Reply> {
    let call = _ClientCall(channel, method.descriptor, options)
    do {
      let byteCount = try call.request.encode(request, with: method.requestCodec)
      if call.isIntercepted { call.keep(request, byteCount: byteCount) }
    } catch {
      call.failBeforeStart(error)
    }
    return call.responsesOfOneRequest(codec: method.responseCodec)
  }
}

/// A method that takes many requests and gives one response.
///
/// ```swift
/// let total = try await sums.calculateSum(numbers)
/// let same = try await sums.calculateSum { requests in
///   for number in numbers { try await requests.send(number) }
/// }
/// ```
public struct ClientStreamingCallable<Request: Sendable, Reply: Sendable>: Sendable {
  let channel: GRPCChannel
  let method: RPCMethod<Request, Reply>

  public init(_ channel: GRPCChannel, _ method: RPCMethod<Request, Reply>) {
    self.channel = channel
    self.method = method
  }

  /// Sends all requests that `write` sends, and returns the response.
  ///
  /// `write` runs in a child task, which is cancelled when the call is over before: the server has
  /// answered early, or the deadline has passed. The call returns when `write` has.
  ///
  /// - Throws: `RPCError` unless the status is OK; what `write` threw, and then the call is given
  ///   up.
  public nonisolated(nonsending) func callAsFunction(
    options: CallOptions = CallOptions(),
    _ write: nonisolated(nonsending) (RequestWriter<Request>) async throws -> Void
  ) async throws -> Reply {
    try await withCall(options: options, write).message
  }

  /// Sends all requests of a sequence, and returns the response.
  public nonisolated(nonsending) func callAsFunction(
    _ requests: some Sequence<Request>, options: CallOptions = CallOptions()
  ) async throws -> Reply {
    try await withCall(requests, options: options).message
  }

  /// Sends all requests of a sequence as they come, and returns the response.
  public nonisolated(nonsending) func callAsFunction<Requests: AsyncSequence>(
    _ requests: Requests, options: CallOptions = CallOptions()
  ) async throws -> Reply where Requests.Element == Request {
    try await withCall(requests, options: options).message
  }

  /// Sends all requests of a sequence, and returns the response and its metadata.
  public nonisolated(nonsending) func withCall(
    _ requests: some Sequence<Request>, options: CallOptions = CallOptions()
  ) async throws -> CallResponse<Reply> {
    let call = try await begin(options)
    // No child task: whoever only sends hears of the call's end from that.
    try await call.cancellingWithTask {
      try await call.writeRequests {
        try await RequestWriter(call, codec: method.requestCodec).send(contentsOf: requests)
      }
    }
    try await call.waitUntilOver()
    return CallResponse(try _decodeReply(call, method.responseCodec), call)
  }

  /// Sends all requests of a sequence as they come, and returns the response and its metadata.
  public nonisolated(nonsending) func withCall<Requests: AsyncSequence>(
    _ requests: Requests, options: CallOptions = CallOptions()
  ) async throws -> CallResponse<Reply> where Requests.Element == Request {
    try await withCall(options: options) { writer in
      for try await request in requests { try await writer.send(request) }
    }
  }

  /// Sends all requests that `write` sends, and returns the response and its metadata.
  public nonisolated(nonsending) func withCall(
    options: CallOptions = CallOptions(),
    _ write: nonisolated(nonsending) (RequestWriter<Request>) async throws -> Void
  ) async throws -> CallResponse<Reply> {
    let call = try await begin(options)
    try await call.whileItLasts {
      try await write(RequestWriter(call, codec: method.requestCodec))
    }
    return CallResponse(try _decodeReply(call, method.responseCodec), call)
  }

  /// A call to which requests can be written.
  private nonisolated(nonsending) func begin(_ options: CallOptions) async throws -> _ClientCall {
    let call = _ClientCall(channel, method.descriptor, options)
    try call.checkOptions()
    if call.isIntercepted { call.keepDecoder(method.responseCodec) }
    call.start()
    await call.waitUntilStarted()
    return call
  }
}

/// A method that takes many requests and gives many responses.
///
/// ```swift
/// for try await answer in chat.chat(messages) { print(answer.message) }
/// try await chat.chat { requests, responses in
///   try await requests.send(.with { $0.message = "Hello" })
///   for try await response in responses { print(response.message) }
/// }
/// ```
public struct BidirectionalCallable<Request: Sendable, Reply: Sendable>: Sendable {
  let channel: GRPCChannel
  let method: RPCMethod<Request, Reply>

  public init(_ channel: GRPCChannel, _ method: RPCMethod<Request, Reply>) {
    self.channel = channel
    self.method = method
  }

  /// The responses to all requests of a sequence, which are sent while responses are read. The
  /// call begins when they are first iterated.
  public func callAsFunction(
    _ requests: some Sequence<Request> & Sendable, options: CallOptions = CallOptions()
  ) -> ResponseStream<Reply> {
    responses(options) { try await $0.send(contentsOf: requests) }
  }

  /// The responses to all requests of a sequence, which are sent as they come.
  public func callAsFunction<Requests: AsyncSequence & Sendable>(
    _ requests: Requests, options: CallOptions = CallOptions()
  ) -> ResponseStream<Reply> where Requests.Element == Request {
    responses(options) { writer in
      for try await request in requests { try await writer.send(request) }
    }
  }

  private func responses(
    _ options: CallOptions,
    _ write: @escaping @Sendable (RequestWriter<Request>) async throws -> Void
  ) -> ResponseStream<Reply> {
    let call = _ClientCall(channel, method.descriptor, options)
    let writer = RequestWriter(call, codec: method.requestCodec)
    let source = ResponseSource(call) {
      let task = Task.detached {
        await call.waitUntilStarted()
        do {
          try await write(writer)
          call.finishRequest()
        } catch {
          call.failWriting(error)
        }
      }
      call.whenOver { task.cancel() }
    }
    return ResponseStream(source, codec: method.responseCodec)
  }

  /// Makes a call and gives `body` both of its sides. The call is over when `body` returns: what
  /// was not read by then is given up.
  ///
  /// - Throws: What `body` throws; reading throws `RPCError` unless the status is OK.
  public nonisolated(nonsending) func callAsFunction<Result>(
    options: CallOptions = CallOptions(),
    _ body:
      nonisolated(nonsending) (
        RequestWriter<Request>, ResponseStream<Reply>
      ) async throws -> Result
  ) async throws -> Result {
    let call = _ClientCall(channel, method.descriptor, options)
    let source = ResponseSource(call)
    source.start()
    defer { call.leave() }
    await call.waitUntilStarted()
    return try await call.cancellingWithTask {
      try await body(
        RequestWriter(call, codec: method.requestCodec),
        ResponseStream(source, codec: method.responseCodec))
    }
  }
}
