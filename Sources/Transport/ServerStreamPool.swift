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
  private var spare: [ServerStream] = []
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
    while var stream = spare.popLast() {
      if isKnownUniquelyReferenced(&stream) {
        stream.prepareForReuse()
        return stream
      }
    }
    return nil
  }

  func take(back stream: ServerStream) {
    if !isClosed, spare.count < Self.maxSpare { spare.append(stream) }
  }

  /// Lets all streams go: they refer to the pool as it does to them.
  package func close() {
    isClosed = true
    spare = []
  }
}
