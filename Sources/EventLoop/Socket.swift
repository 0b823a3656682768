internal import CLinux
internal import Glibc

/// A connected (or connecting) stream socket that never blocks.
package final class Socket: @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it, once it was handed over.

  package enum ReadResult: Equatable {
    case bytes(Int)
    case wouldBlock
    case endOfStream
  }

  package let descriptor: CInt
  private let owner: Descriptor
  private let kernel: Kernel

  package init(owning descriptor: consuming Descriptor, kernel: Kernel = .system) {
    self.descriptor = descriptor.raw
    self.kernel = kernel
    owner = descriptor
  }

  /// Begins to connect. The socket becomes writable when it is decided; then ask ``connectError()``.
  package static func connecting(
    to address: SocketAddress, kernel: Kernel = .system
  ) throws(SystemError) -> Socket {
    let socket = Socket(owning: try open(address.family), kernel: kernel)
    if address.family != AF_UNIX { socket.setNoDelay() }
    let descriptor = socket.descriptor
    do {
      _ = try unsafe address.withSockaddr { (pointer, length) throws(SystemError) in
        try retryingInterrupts("connect") { unsafe connect(descriptor, pointer, length) }
      }
    } catch  where error.code == EINPROGRESS {
      // The usual case.
    }
    return socket
  }

  static func open(_ family: CInt) throws(SystemError) -> Descriptor {
    let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    return Descriptor(owning: try retryingInterrupts("socket") { socket(family, type, 0) })
  }

  /// Why connecting failed, or `nil` if it did not.
  package func connectError() -> SystemError? {
    var code: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    if unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) != 0 { code = errno }
    return code == 0 ? nil : SystemError(call: "connect", code: code)
  }

  // MARK: Bytes

  @unsafe package func read(
    into bytes: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> ReadResult {
    do {
      let count = try retryingInterrupts("read") { unsafe kernel.read(descriptor, bytes) }
      return count == 0 ? .endOfStream : .bytes(count)
    } catch  where error.code == EAGAIN || error.code == EWOULDBLOCK {
      return .wouldBlock
    }
  }

  /// - Returns: How many bytes the socket took; 0 if it is full.
  @unsafe package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
    do {
      return try retryingInterrupts("write") { unsafe kernel.write(descriptor, bytes) }
    } catch  where error.code == EAGAIN || error.code == EWOULDBLOCK {
      return 0
    }
  }

  /// Ends both directions: the peer reads an end of stream. The descriptor is closed later, with
  /// the last reference.
  package func shutDown() { _ = Glibc.shutdown(descriptor, CInt(SHUT_RDWR)) }

  // MARK: Options

  /// Small frames must not wait for the peer's acknowledgements.
  package func setNoDelay() { set(CInt(IPPROTO_TCP), TCP_NODELAY, 1) }

  // Spec: W93 (A18, TCP_USER_TIMEOUT)
  /// How long written bytes may stay unacknowledged before the connection counts as lost.
  package func setUserTimeout(milliseconds: Int) {
    set(CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, CInt(clamping: milliseconds))
  }

  package func userTimeoutMilliseconds() -> Int {
    var value: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    _ = unsafe getsockopt(
      descriptor, CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, &value, &length)
    return Int(value)
  }

  private func set(_ level: CInt, _ option: CInt, _ value: CInt) {
    var value = value
    // A socket that is gone already says so on the next read; nothing to report here.
    _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
  }

  // MARK: Addresses

  package func localAddress() -> SocketAddress? {
    let descriptor = descriptor
    return unsafe address { unsafe getsockname(descriptor, $0, $1) }
  }

  package func remoteAddress() -> SocketAddress? {
    let descriptor = descriptor
    return unsafe address { unsafe getpeername(descriptor, $0, $1) }
  }
}

/// Asks the system for an address of a socket.
func address(
  _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
) -> SocketAddress? {
  var storage = sockaddr_storage()
  var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
  let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
      unsafe withUnsafeMutablePointer(to: &length) { unsafe ask(address, $0) }
    }
  }
  return result == 0 ? SocketAddress(storage, length: length) : nil
}
