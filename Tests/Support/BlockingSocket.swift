internal import Glibc

/// A TCP socket whose calls wait, each with a limit: for scripts that run on a thread of their own.
package final class BlockingSocket: Sendable {
  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  let descriptor: CInt

  private init(_ descriptor: CInt) { self.descriptor = descriptor }

  deinit { _ = Glibc.close(descriptor) }

  /// Connects to a port of this machine.
  package static func connect(port: Int) throws -> BlockingSocket {
    let socket = try make()
    var address = loopback(port)
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(socket.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try check("connect to port \(port)", result)
    return socket
  }

  /// Listens on a port of this machine; 0 picks a free one.
  package static func listen(port: Int = 0) throws -> BlockingSocket {
    let socket = try occupy(port: port)
    try check("listen", Glibc.listen(socket.descriptor, 128))
    return socket
  }

  /// Takes a port on which nobody listens, and keeps it so as long as the socket lives: a port that
  /// was free a moment ago may be another test's by now.
  package static func occupy(port: Int = 0) throws -> BlockingSocket {
    let socket = try make()
    // A port that somebody named may have been left a moment ago, by the last run of a program.
    var on: CInt = port == 0 ? 0 : 1
    let size = socklen_t(MemoryLayout<CInt>.size)
    _ = unsafe setsockopt(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
    var address = loopback(port)
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(socket.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try check("bind", result)
    return socket
  }

  /// Two ends of one local connection, for what a program reads and writes.
  static func pair() throws -> (BlockingSocket, BlockingSocket) {
    var descriptors: [CInt] = [-1, -1]
    let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    try check("socketpair", unsafe socketpair(AF_UNIX, kind, 0, &descriptors))
    return (BlockingSocket(descriptors[0]), BlockingSocket(descriptors[1]))
  }

  package var port: Int {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(descriptor, $0, &size)
      }
    }
    precondition(result == 0, "getsockname of our own socket: \(errno)")
    return Int(UInt16(bigEndian: address.sin_port))
  }

  /// - Returns: `nil` once `stop()` was called.
  package func accept() throws -> BlockingSocket? {
    let accepted = Glibc.accept(descriptor, nil, nil)
    // EINVAL is what a listener says that was shut down.
    if accepted < 0, errno == EINVAL { return nil }
    try Self.check("accept", accepted)
    // Programs that a test starts must not hold the connection open.
    _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
    return BlockingSocket(accepted)
  }

  package func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.send(
          descriptor, buffer.baseAddress! + sent, buffer.count - sent, CInt(MSG_NOSIGNAL))
      }
      try Self.check("send", CInt(truncatingIfNeeded: count))
      sent += count
    }
  }

  /// Sends each piece in a packet of its own, however small.
  func sendAtOnce() {
    var on: CInt = 1
    let size = socklen_t(MemoryLayout<CInt>.size)
    _ = unsafe setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, size)
  }

  package enum Arrival {
    case bytes([UInt8])
    /// The peer closed: in good order, or with a reset.
    case end(wasReset: Bool)
    case nothing
  }

  /// What comes next, or `.nothing` until `deadline`.
  package func receive(until deadline: ContinuousClock.Instant) throws -> Arrival {
    let left = max(.zero, deadline - .now)
    let milliseconds = left / .milliseconds(1)
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let ready = unsafe poll(&request, 1, CInt(milliseconds.rounded(.up)))
    try Self.check("poll", ready)
    if ready == 0 { return .nothing }

    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
    }
    if count < 0, errno == ECONNRESET { return .end(wasReset: true) }
    try Self.check("recv", CInt(truncatingIfNeeded: count))
    return count == 0 ? .end(wasReset: false) : .bytes(Array(buffer[..<count]))
  }

  /// Ends both directions; whoever waits in `accept` or `receive`, on any thread, returns.
  package func stop() { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }

  /// Says that no more bytes come (FIN), and goes on receiving.
  package func finishSending() { _ = shutdown(descriptor, CInt(SHUT_WR)) }

  /// Vanishes: the peer gets a reset (RST) and not an end of stream.
  ///
  /// Connecting to "nothing" is how a TCP socket is aborted without closing the descriptor, which
  /// another thread may just be reading from (man 2 connect, AF_UNSPEC).
  package func vanish() {
    var nowhere = sockaddr()
    nowhere.sa_family = sa_family_t(AF_UNSPEC)
    _ = unsafe Glibc.connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
  }

  private static func make() throws -> BlockingSocket {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    try check("socket", descriptor)
    return BlockingSocket(descriptor)
  }

  private static func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  private static func check(_ call: String, _ result: CInt) throws {
    let code = errno
    if result < 0 {
      throw Failure(description: "\(call): \(unsafe String(cString: strerror(code)))")
    }
  }
}
