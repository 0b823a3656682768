public import TernBytes
public import TernCore
internal import TernEventLoop
package import TernTransport
internal import TernWire

/// A call on its way, as the generic shells see it: what they may touch, and no more.
public struct _ClientCall: Sendable {
  package let stream: ClientStream
  let core: ChannelCore
  /// The channel's and the call's, the outermost first.
  let interceptors: [any ClientInterceptor]

  @usableFromInline init(
    _ channel: GRPCChannel, _ descriptor: MethodDescriptor, _ options: CallOptions
  ) {
    // Most channels say nothing, and then nothing is copied.
    if channel.options.speaksForCalls {
      self.init(channel, descriptor, completed: channel.options.completed(options, for: descriptor))
    } else {
      self.init(channel, descriptor, completed: options)
    }
  }

  private init(
    _ channel: GRPCChannel, _ descriptor: MethodDescriptor, completed options: CallOptions
  ) {
    let core = channel.core
    self.core = core
    let maxRequestBytes = options.maxRequestMessageBytes ?? channel.options.maxRequestMessageBytes
    let maxResponseBytes =
      options.maxResponseMessageBytes ?? channel.options.maxResponseMessageBytes
    if let spare = core.spareStreams.take() {
      spare.reopen(
        for: descriptor, options: options, maxRequestMessageBytes: maxRequestBytes,
        maxResponseMessageBytes: maxResponseBytes)
      stream = spare
    } else {
      stream = ClientStream(
        loop: core.loop, descriptor: descriptor, options: options,
        maxRequestMessageBytes: maxRequestBytes, maxResponseMessageBytes: maxResponseBytes,
        compression: core.compression)
    }
    if channel.options.interceptors.isEmpty, options.isPlain {
      interceptors = []
    } else {
      interceptors = channel.options.interceptors + options.interceptors
      if !interceptors.isEmpty { stream.interception = Interception(options: options) }
    }
  }

  // MARK: Before it is sent

  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  func checkOptions() throws(RPCError) {
    if !stream.hasPlainHead {
      if let problem = stream.options.metadata.problem {
        throw RPCError(.internal, problem, origin: .caller)
      }
      if let authority = stream.options.authority { try core.check(authority) }
    }
    if let problem = stream.compressionProblem {
      throw RPCError(problem.code, problem.message, origin: .caller)
    }
  }

  /// Where to encode the one request.
  @usableFromInline var request: _FirstMessage { _FirstMessage(stream: stream) }

  // MARK: The one response

  /// Sends the call and waits until it is over.
  ///
  /// - Throws: `RPCError` unless the status is OK.
  // Inlined: each asynchronous function that waits for another costs a call as much as a small message.
  @inlinable @inline(__always) nonisolated(nonsending) func run() async throws {
    try prepareToRun()
    await withTaskCancellationHandler {
      await unsafe withUnsafeContinuation { unsafe start(resuming: $0) }
    } onCancel: {
      cancelByCaller()
    }
    try throwFailure()
  }

  @usableFromInline func prepareToRun() throws {
    try checkOptions()
    stream.endRequest()
    if Task.isCancelled { throw Self.cancelled }
    if isIntercepted { startIntercepted() }
  }

  /// Sends the call; resumes `continuation` when it is over.
  @unsafe @usableFromInline func start(resuming continuation: UnsafeContinuation<Void, Never>) {
    let (stream, core, isStarted) = (stream, core, isIntercepted)
    // No closure for who is there already.
    if core.loop.isCurrent {
      if !isStarted { core.start(stream) }
      return unsafe stream.whenOver(continuation)
    }
    core.loop.submit {
      if !isStarted { core.start(stream) }
      unsafe stream.whenOver(continuation)
    }
  }

  /// What the loop wrote is read here on the caller's thread. Continuations order that; but
  /// ThreadSanitizer does not see it when one was resumed before its task had suspended, and does see
  /// the flag, which the loop sets last.
  @usableFromInline func throwFailure() throws {
    if stream.isGivenUp, let failure = stream.failure { throw failure }
  }

  /// Sends the call; the request goes on being written.
  func start() {
    if isIntercepted { return startIntercepted() }
    let (stream, core) = (stream, core)
    core.loop.execute { core.start(stream) }
  }

  /// Waits until the call is over.
  nonisolated(nonsending) func waitUntilOver() async throws {
    let stream = stream
    await withTaskCancellationHandler {
      await unsafe withUnsafeContinuation { continuation in
        stream.loop.execute { unsafe stream.whenOver(continuation) }
      }
    } onCancel: {
      cancelByCaller()
    }
    try throwFailure()
  }

  /// Waits until the initial metadata is here, or the call is over.
  nonisolated(nonsending) func waitForHead() async {
    let stream = stream
    await withTaskCancellationHandler {
      await unsafe withUnsafeContinuation { continuation in
        stream.loop.execute { unsafe stream.whenHead(continuation) }
      }
    } onCancel: {
      cancelByCaller()
    }
  }

  /// The initial metadata; waits for it.
  nonisolated(nonsending) func receivedInitialMetadata() async throws -> Metadata {
    await waitForHead()
    if stream.hasInitialMetadata { return initialMetadata }
    try throwFailure()
    return [:]
  }

  /// Says that the request is whole, after all that was sent.
  func finishRequest() {
    let stream = stream
    if stream.loop.isCurrent, !stream.hasRemoteSends { return stream.endRequest() }
    stream.loop.submit { stream.endRequest() }
  }

  // MARK: Results

  /// The one response. Valid as long as the call.
  @unsafe @usableFromInline func response() throws -> UnsafeRawBufferPointer {
    try unsafe stream.singleResponse()
  }

  /// The caller has all that the call brought: another one may use its stream.
  @usableFromInline func recycle() {
    // A cancellation may still be on its way to the loop.
    if !isIntercepted, core.loop.isCurrent || !Task.isCancelled {
      core.spareStreams.giveBack(stream)
    }
  }

  @usableFromInline var initialMetadata: Metadata { stream.response.initialMetadata }
  @usableFromInline var trailingMetadata: Metadata { stream.response.trailingMetadata }

  // MARK: Giving up

  /// Cancels the call because of its caller. Does nothing if it is over.
  @usableFromInline func cancelByCaller() {
    let stream = stream
    stream.loop.submit { Self.cancel(stream) }
  }

  /// The same for someone who has left the call: at once if that may be.
  func leave() {
    let stream = stream
    stream.loop.execute { Self.cancel(stream) }
  }

  private static func cancel(_ stream: ClientStream) {
    stream.giveUp(cancelled)
  }

  private static var cancelled: RPCError {
    RPCError(.cancelled, "The caller gave the call up.", origin: .caller)
  }
}

/// Where the one request of a call is encoded, on the caller's thread.
public struct _FirstMessage: Sendable {
  let stream: ClientStream

  /// - Returns: The length of the message, before compression.
  @discardableResult @inlinable
  func encode<Message>(_ message: Message, with codec: MessageCodec<Message>) throws -> Int {
    let offset = begin()
    do {
      try codec.encode(message, buffer)
    } catch {
      undo(offset)
      throw error
    }
    return try commit(offset)
  }

  @usableFromInline var buffer: ByteBuffer { stream.firstMessage }
  @usableFromInline func begin() -> Int { MessageFramer.begin(in: stream.firstMessage) }
  @usableFromInline func undo(_ offset: Int) { stream.firstMessage.truncate(to: offset) }
  @usableFromInline func commit(_ offset: Int) throws -> Int {
    let byteCount = stream.firstMessage.count - offset - MessageFramer.prefixBytes
    try stream.commitFirstMessage(at: offset)
    return byteCount
  }
}
