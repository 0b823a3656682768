package import TernBytes

/// One stream of a session: what it has to send, and, in subclasses, what becomes of what comes.
///
/// The `receive` methods run while `HTTP2Session.receive` or `pull` runs. They only note what came:
/// calling the session's `receive` or `pull` from there would crash nghttp2, and resuming a task
/// could.
///
/// A class to inherit from, and so public, since classes cannot be inherited from across modules
/// of a package otherwise: nghttp2 keeps one pointer for each stream, and from it a method is one
/// jump away. A protocol beside it cost a second object a call and two reference counts an event.
@safe open class _HTTP2Stream: @unchecked Sendable {
  // `@unchecked Sendable` because only the loop of its connection touches it.

  /// What is to be sent as DATA. Whoever adds to it calls `HTTP2Session.resume`.
  package let outbound = ByteBuffer()

  // For the session only.
  var streamID: Int32 = 0
  var isInSession = false
  var isDeferred = false
  var isOutboundEnded = false
  var hasSubmittedTrailers = false
  var isRemoteEnded = false
  var head: HeaderBlock?
  var trailers: HeaderBlock?
  var headerListBytes = 0
  /// Taken by the reader, and not yet given back to the peer.
  var unreturnedBytes = 0
  var windowBytes = 0
  // Unmanaged because the session holds a reference to each stream in its list.
  var nextOpen: Unmanaged<_HTTP2Stream>?
  var previousOpen: Unmanaged<_HTTP2Stream>?

  /// The head of the request was given up before it was sent: no server has seen it.
  package final var hasNeverLeft: Bool { neverLeft }
  var neverLeft = false

  package init() {}

  /// HTTP/2's number of the stream; 0 before it has one.
  package final var id: Int32 { streamID }

  /// Whether the peer has ended its side.
  package final var hasRemoteEnded: Bool { isRemoteEnded }

  /// Makes it as new, for another call. It must be in no session.
  package final func resetForReuse() {
    outbound.removeAll()
    streamID = 0
    isDeferred = false
    isOutboundEnded = false
    hasSubmittedTrailers = false
    isRemoteEnded = false
    head = nil
    trailers = nil
    headerListBytes = 0
    neverLeft = false
    unreturnedBytes = 0
  }

  // MARK: What came

  /// One header field of the block that is coming in.
  @unsafe open func receiveField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {}

  /// The header block is whole.
  ///
  /// - Parameter isTooLarge: It was over the limit, and fields were left out.
  open func receiveFieldsEnd(endOfStream: Bool, isTooLarge: Bool) {}

  /// A piece of DATA.
  @unsafe open func receiveData(_ bytes: UnsafeRawBufferPointer) {}

  /// DATA with END_STREAM: nothing comes after it. (Headers tell of their own end.)
  open func receiveEndOfStream() {}

  /// Bytes of `outbound` were sent; it holds `outbound.count` now.
  open func sentOutbound() {}

  /// The stream is gone from the session: its last event.
  ///
  /// - Parameter errorCode: 0 if both sides ended it, else the code of the reset.
  open func receiveClose(errorCode: UInt32) {}
}

/// Whoever owns a session hears here what concerns the connection as a whole. As for streams:
/// note it, act later.
package protocol SessionReceiver: AnyObject {
  /// A client opened a stream. `nil` refuses it.
  func makeStream() -> _HTTP2Stream?
  /// The peer's SETTINGS, the first or later ones.
  func receiveSettings()
  func receivePingAcknowledgement(_ opaque: UInt64)
  func receiveGoAway(lastStreamID: Int32, errorCode: UInt32, debugText: String)
}
