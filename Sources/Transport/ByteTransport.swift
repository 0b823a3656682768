package import TernCore
package import TernEventLoop

/// Whoever is to be told when a transport has bytes, or room for some.
package protocol TransportReceiver: AnyObject {
  func transportIsReadable()
  func transportIsWritable()
}

/// Two streams of bytes, one in, one out: a socket, or one half of a pair in memory.
///
/// A connection sees only this, so that nothing above differs between the two.
@safe package class ByteTransport: @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it, once it was opened.

  // `unowned(unsafe)` because the connection that owns the transport closes it before it goes.
  package final unowned(unsafe) var receiver: (any TransportReceiver)?

  package init() {}

  /// Begins to report to `receiver`.
  package func open(on loop: EventLoop, receiver: any TransportReceiver) throws(TransportError) {
    unsafe self.receiver = receiver
  }

  @unsafe package func read(
    into bytes: UnsafeMutableRawBufferPointer
  ) throws(TransportError) -> Socket.ReadResult { .endOfStream }

  /// - Returns: How many bytes it took; fewer than given if it is full.
  @unsafe package func write(_ bytes: UnsafeRawBufferPointer) throws(TransportError) -> Int { 0 }

  /// Whether to report when there is room again.
  package func reportWritable(_ isWanted: Bool) {}

  /// Whether it took bytes that have not left yet: closing now would lose them. It reports when they
  /// have.
  package var hasUnsentBytes: Bool { false }

  /// Whether both sides may speak.
  package var isEstablished: Bool { true }

  /// What securing it has led to; `nil` for plaintext.
  package var negotiatedTLS: NegotiatedTLS? { nil }

  package func close() {}

  package var localAddress: SocketAddress { .memory }
  package var remoteAddress: SocketAddress { .memory }
}
