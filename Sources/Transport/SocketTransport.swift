package import TernEventLoop

/// A socket as a transport.
package final class SocketTransport: ByteTransport, @unchecked Sendable {
  // `@unchecked Sendable` as its superclass.
  private let socket: Socket
  private let source = SocketSource()
  private var loop: EventLoop?
  private let local: SocketAddress
  private let remote: SocketAddress

  package init(_ socket: Socket) {
    self.socket = socket
    local = socket.localAddress() ?? .unix(path: "")
    remote = socket.remoteAddress() ?? .unix(path: "")
    super.init()
  }

  package override var localAddress: SocketAddress { local }
  package override var remoteAddress: SocketAddress { remote }

  package override func open(
    on loop: EventLoop, receiver: any TransportReceiver
  ) throws(TransportError) {
    unsafe self.receiver = receiver
    unsafe source.receiver = receiver
    self.loop = loop
    do throws(SystemError) {
      try loop.add(source, descriptor: socket.descriptor, interest: .readable)
    } catch {
      throw .system(error)
    }
  }

  @unsafe package override func read(
    into bytes: UnsafeMutableRawBufferPointer
  ) throws(TransportError) -> Socket.ReadResult {
    do throws(SystemError) {
      return try unsafe socket.read(into: bytes)
    } catch {
      throw .system(error)
    }
  }

  @unsafe package override func write(
    _ bytes: UnsafeRawBufferPointer
  ) throws(TransportError) -> Int {
    do throws(SystemError) {
      return try unsafe socket.write(bytes)
    } catch {
      throw .system(error)
    }
  }

  package override func reportWritable(_ isWanted: Bool) {
    loop?.watch(
      source, descriptor: socket.descriptor, for: isWanted ? [.readable, .writable] : .readable)
  }

  package override func close() {
    loop?.remove(source, descriptor: socket.descriptor)
    loop = nil
    unsafe source.receiver = nil
    // The descriptor closes with the last reference; the peer should not wait for that.
    socket.shutDown()
  }
}

/// What the loop tells a socket's owner.
@safe private final class SocketSource: EventSource {
  let registration = SourceRegistration()
  // `unowned(unsafe)` because `close` clears it before the receiver goes.
  unowned(unsafe) var receiver: (any TransportReceiver)?

  func receiveReadiness(_ readiness: Readiness) {
    guard let receiver = unsafe receiver else { return }
    if readiness.isWritable { receiver.transportIsWritable() }
    // A broken connection says why on the next read.
    if readiness.hasNews { receiver.transportIsReadable() }
  }
}
