public import TernCore
public import TernTransport

/// Sends the messages of one call to the client, in order.
///
/// May be used from any thread, and by several tasks.
public struct ResponseWriter<Message: Sendable>: Sendable {
  @usableFromInline let writer: _MessageWriter<Message>

  @usableFromInline package init(_ call: _ServerCall, codec: MessageCodec<Message>) {
    writer = _MessageWriter(call, codec: codec)
  }

  /// Sends a message. Returns at once while there is room, and waits while the client is slower
  /// than the handler.
  ///
  /// - Parameter compress: `false` sends it plain even if the call compresses: a secret beside text
  ///   that somebody else chose can be guessed from the length of both, compressed together.
  /// - Throws: `RPCError` if the call is over or the message is too large, or what encoding threw.
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
}
