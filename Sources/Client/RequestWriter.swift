public import TernCore
public import TernTransport

/// Sends the requests of one call to the server, in order.
///
/// May be used from any thread, and by several tasks.
public struct RequestWriter<Message: Sendable>: Sendable {
  @usableFromInline let writer: _MessageWriter<Message>
  private let call: _ClientCall

  init(_ call: _ClientCall, codec: MessageCodec<Message>) {
    self.call = call
    writer = _MessageWriter(_MessageOutput(stream: call.stream), codec: codec)
  }

  /// Sends a request. Returns at once while there is room, and waits while the server is slower.
  ///
  /// - Parameter compress: `false` sends it plain even if the call compresses: a secret beside text
  ///   that somebody else chose can be guessed from the length of both, compressed together.
  /// - Throws: `RPCError` if the call is over (with its status) or the message is too large; what
  ///   encoding threw.
  @inlinable
  public nonisolated(nonsending) func send(_ message: Message, compress: Bool = true) async throws {
    try await writer.send(message, compress: compress)
  }

  /// Sends all messages of a sequence.
  @inlinable
  public nonisolated(nonsending) func send(
    contentsOf messages: some Sequence<Message>, compress: Bool = true
  ) async throws {
    for message in messages { try await writer.send(message, compress: compress) }
  }

  /// What the server sent ahead of its messages; waits for it, which may be until all requests are
  /// sent. Empty if the server has only sent a status, which was OK.
  ///
  /// - Throws: `RPCError` if the call failed before it came.
  public var initialMetadata: Metadata {
    get async throws { try await call.receivedInitialMetadata() }
  }

  /// Says that there are no more requests. Happens by itself at the end of the closure that got
  /// the writer.
  public func finish() { call.finishRequest() }
}
