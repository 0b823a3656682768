package import TernBytes

/// Whoever is to be told what comes on a stream.
///
/// The events come while `HTTP2Session.receive` or `pull` runs. A receiver only notes them: calling
/// the session's `receive` or `pull` from there would crash nghttp2, and resuming a task could.
package protocol StreamReceiver: AnyObject {
  /// One header field of the block that is coming in.
  @unsafe func receiveField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)

  /// The header block is whole.
  ///
  /// - Parameter isTooLarge: It was over the limit, and fields were left out.
  func receiveFieldsEnd(endOfStream: Bool, isTooLarge: Bool)

  /// A piece of DATA.
  @unsafe func receiveData(_ bytes: UnsafeRawBufferPointer)

  /// DATA with END_STREAM: nothing comes after it. (Headers tell of their own end.)
  func receiveEndOfStream()

  /// Bytes of the stream's `outbound` were sent; it holds `outbound.count` now.
  func sentOutbound()

  /// The stream is gone from the session: its last event.
  ///
  /// - Parameter errorCode: 0 if both sides ended it, else the code of the reset.
  func receiveClose(errorCode: UInt32)
}

/// One stream of a session: what it has to send, and whom to tell what comes.
@safe package final class HTTP2Stream: @unchecked Sendable {
  // `@unchecked Sendable` because only the loop of its connection touches it.

  /// What is to be sent as DATA. Whoever adds to it calls `HTTP2Session.resume`.
  package let outbound = ByteBuffer()

  // For the session only.
  var streamID: Int32 = 0
  var isDeferred = false
  var isOutboundEnded = false
  var hasSubmittedTrailers = false
  var isRemoteEnded = false
  var head: HeaderBlock?
  var trailers: HeaderBlock?
  var headerListBytes = 0
  /// Set while the stream is in the session.
  var receiver: (any StreamReceiver)?
  // `unowned(unsafe)` because the session holds a reference to each stream in its list.
  unowned(unsafe) var nextOpen: HTTP2Stream?
  unowned(unsafe) var previousOpen: HTTP2Stream?

  package init() {}

  /// HTTP/2's number of the stream; 0 before it has one.
  package var id: Int32 { streamID }

  /// Whether the peer has ended its side.
  package var hasRemoteEnded: Bool { isRemoteEnded }

  /// Makes it as new, for another call. It must be in no session.
  package func resetForReuse() {
    outbound.removeAll()
    streamID = 0
    isDeferred = false
    isOutboundEnded = false
    hasSubmittedTrailers = false
    isRemoteEnded = false
    head = nil
    trailers = nil
    headerListBytes = 0
  }
}

/// Whoever owns a session hears here what concerns the connection as a whole. As for streams:
/// note it, act later.
package protocol SessionReceiver: AnyObject {
  /// A client opened a stream. `nil` refuses it.
  func makeStream() -> (stream: HTTP2Stream, receiver: any StreamReceiver)?
  /// The peer's SETTINGS, the first or later ones.
  func receiveSettings()
  func receivePingAcknowledgement(_ opaque: UInt64)
  func receiveGoAway(lastStreamID: Int32, errorCode: UInt32, debugText: String)
}
