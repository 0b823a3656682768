internal import TernBytes
package import TernEventLoop

/// How many handlers of one connection run: streams may be gone before their handlers are.
final class LiveHandlers {
  var count = 0
}

/// Streams of one loop that wait for their next call.
@safe package final class ServerStreamPool {
  /// More than a busy loop uses at once; each keeps a few kilobytes.
  private static let maxSpare = 1024
  /// The first spare stream; each refers to the next. Not an array, whose changes would be checked for
  /// exclusive access at run time, for each call; counted by hand, to count once.
  private var firstSpare: Unmanaged<ServerStream>?
  private var spareCount = 0
  private var isClosed = false
  private let loop: EventLoop
  /// Where a compressed request is decompressed: handlers of one loop begin one after the other.
  let scratch = ByteBuffer()

  package init(loop: EventLoop) { self.loop = loop }

  func make(on connection: ServerConnection) -> ServerStream {
    let stream = spareStream() ?? ServerStream(loop: loop, pool: self)
    stream.open(on: connection)
    return stream
  }

  /// A stream to which nobody else points. A handle that somebody kept beyond its call must never
  /// reach another call, so a stream that has one is left to it.
  private func spareStream() -> ServerStream? {
    while var stream = popSpare() {
      if isKnownUniquelyReferenced(&stream) {
        stream.prepareForReuse()
        return stream
      }
    }
    return nil
  }

  private func popSpare() -> ServerStream? {
    guard let stream = unsafe firstSpare?.takeRetainedValue() else { return nil }
    unsafe firstSpare = stream.nextSpare
    unsafe stream.nextSpare = nil
    spareCount -= 1
    return stream
  }

  func take(back stream: ServerStream) {
    if isClosed || spareCount >= Self.maxSpare { return }
    unsafe stream.nextSpare = firstSpare
    unsafe firstSpare = Unmanaged.passRetained(stream)
    spareCount += 1
  }

  deinit { while popSpare() != nil {} }

  /// Lets all streams go: they refer to the pool as it does to them.
  package func close() {
    isClosed = true
    // One by one: a long chain that goes at once would go recursively.
    while popSpare() != nil {}
  }
}
