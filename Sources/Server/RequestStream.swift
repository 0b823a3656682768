public import TernCore
public import TernTransport

/// The messages that a client sends in one call, in order.
///
/// Ends when the client has ended its side, and throws `RPCError` when the call is given up. May
/// be read on any thread, by one task at a time. Reading is what lets the client send more.
public struct RequestStream<Message: Sendable>: AsyncSequence, Sendable {
  public typealias AsyncIterator = _MessageIterator<Message>
  public typealias Failure = any Error

  private let reader: _MessageReader
  private let codec: MessageCodec<Message>

  @usableFromInline package init(_ call: _ServerCall, codec: MessageCodec<Message>) {
    reader = _MessageReader(stream: call.stream)
    self.codec = codec
  }

  public func makeAsyncIterator() -> _MessageIterator<Message> {
    _MessageIterator(reader, codec: codec)
  }
}
