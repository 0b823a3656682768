internal import Synchronization
public import TernCore
internal import TernEventLoop
public import TernTransport

/// The messages that a server sends in one call, in order.
///
/// The call begins when it is first iterated, or asked for metadata. Its iterator owns it: leaving
/// the loop early gives the call up. It ends when the status is OK and throws `RPCError` for any
/// other one. Reading is what lets the server send more.
public struct ResponseStream<Message: Sendable>: AsyncSequence, Sendable {
  public typealias AsyncIterator = _MessageIterator<Message>
  public typealias Failure = any Error

  let source: ResponseSource
  private let codec: MessageCodec<Message>

  init(_ source: ResponseSource, codec: MessageCodec<Message>) {
    self.source = source
    self.codec = codec
  }

  public func makeAsyncIterator() -> _MessageIterator<Message> {
    let call = source.call
    call.stream.interception?.noteReader()
    source.start()
    return _MessageIterator(source.reader, codec: codec, onLeaving: { call.leave() })
  }

  /// How many of the responses that were read had come compressed. Not for users, as that of
  /// ``CallResponse``.
  package var compressedResponseCount: Int { source.call.stream.decompressedMessageCount }

  /// What the server sent ahead of the messages; waits for it. Empty if the server has only sent a
  /// status, which was OK.
  ///
  /// - Throws: `RPCError` if the call failed before it came.
  public var initialMetadata: Metadata {
    get async throws {
      source.start()
      return try await source.call.receivedInitialMetadata()
    }
  }

  /// What the server sent with the status; waits until the call is over.
  ///
  /// The messages have to be read meanwhile, or the server may not get so far.
  ///
  /// - Throws: `RPCError` unless the status is OK; it has the metadata as well.
  public var trailingMetadata: Metadata {
    get async throws {
      source.start()
      try await source.call.waitUntilOver()
      return source.call.trailingMetadata
    }
  }
}

/// A call whose response is a stream: begins once, with whoever is first.
final class ResponseSource: Sendable {
  let call: _ClientCall
  let reader: _MessageReader
  private let hasStarted = Atomic<Bool>(false)
  /// Runs when the call has begun: writes the requests.
  private let onStart: (@Sendable () -> Void)?

  init(_ call: _ClientCall, onStart: (@Sendable () -> Void)? = nil) {
    self.call = call
    self.onStart = onStart
    reader = _MessageReader(stream: call.stream)
  }

  func start() {
    let isFirst = hasStarted.compareExchange(
      expected: false, desired: true, ordering: .acquiringAndReleasing
    ).exchanged
    guard isFirst else { return }
    do throws(RPCError) {
      try call.checkOptions()
    } catch {
      return call.fail(error)
    }
    call.start()
    onStart?()
  }
}
