/// What our side of an HTTP/2 connection announces, and the limits it holds the peer to.
package struct HTTP2Settings: Sendable, Equatable {
  /// Streams that the peer may have open at once.
  package var maxConcurrentStreams = 100
  /// What a peer may send on one stream before we have taken it.
  package var streamWindowBytes = 256 << 10
  /// What a peer may send on all streams together before we have received it.
  package var connectionWindowBytes = 1 << 20
  // Spec: W28 (PROTOCOL-HTTP2, size of header blocks)
  /// The size of a header block that we announce as our limit, counted as HTTP/2 does: names and
  /// values in bytes, and 32 a field.
  package var maxHeaderListBytes = 8 << 10
  /// Above this a header block is refused. Between the two it is still accepted, as peers count
  /// differently.
  package var hardMaxHeaderListBytes = 16 << 10

  // Spec: W79 (stream numbers end; grpc-go drains at three quarters)
  /// From this number on a client opens no streams.
  package var endOfStreamNumbers: UInt32 = 1 << 31 / 4 * 3

  package init() {}
}
