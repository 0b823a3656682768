package import TernEventLoop

/// One attempt to connect to one address.
package final class ConnectAttempt: EventSource {
  package let registration = SourceRegistration()
  private let address: SocketAddress
  private let loop: EventLoop
  private let userTimeout: Duration?
  private var socket: Socket?
  private var onDone: ((Result<ByteTransport, SystemError>) -> Void)?

  /// - Parameter userTimeout: How long written bytes may stay unacknowledged, for TCP.
  package init(to address: SocketAddress, loop: EventLoop, userTimeout: Duration?) {
    self.address = address
    self.loop = loop
    self.userTimeout = userTimeout
  }

  /// Begins; `onDone` is called once, never before `start` has returned, unless it is cancelled.
  /// On the loop.
  package func start(onDone: @escaping (Result<ByteTransport, SystemError>) -> Void) {
    self.onDone = onDone
    do throws(SystemError) {
      let socket = try Socket.connecting(to: address, kernel: loop.kernel)
      if let userTimeout, address.port != nil {
        socket.setUserTimeout(
          milliseconds: Int(clamping: userTimeout.clampedNanoseconds / 1_000_000))
      }
      try loop.add(self, descriptor: socket.descriptor, interest: .writable)
      self.socket = socket
    } catch {
      let failure = LoopTimer { [self] in finish(.failure(error)) }
      loop.schedule(failure, after: .zero)
    }
  }

  package func receiveReadiness(_ readiness: Readiness) {
    guard let socket else { return }
    loop.remove(self, descriptor: socket.descriptor)
    self.socket = nil
    if let error = socket.connectError() {
      finish(.failure(error))
    } else {
      finish(.success(SocketTransport(socket)))
    }
  }

  private func finish(_ result: Result<ByteTransport, SystemError>) {
    let done = onDone
    onDone = nil
    done?(result)
  }

  /// Gives up; nobody is told.
  package func cancel() {
    onDone = nil
    guard let socket else { return }
    loop.remove(self, descriptor: socket.descriptor)
    self.socket = nil
  }
}
