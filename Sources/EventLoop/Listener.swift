internal import Glibc

/// A listening socket: hands each new connection over, and survives a lack of descriptors.
package final class Listener: EventSource, @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it, once it was started.

  /// Connections accepted in one turn: more would keep the loop's other sockets waiting.
  private static let maxAcceptsPerTurn = 64
  private static let backlog: CInt = 1024
  /// How long accepting rests when the process is out of descriptors, at first and at most.
  private static let restMilliseconds: ClosedRange<Int64> = 50...1000

  package let registration = SourceRegistration()
  package let address: SocketAddress
  private let descriptor: Descriptor
  private let loop: EventLoop
  private let kernel: Kernel
  /// Given up to take and close one connection when no other descriptor is left, so that the
  /// client sees an end and not a wait.
  private var reserve: Descriptor?
  private var restMilliseconds = Listener.restMilliseconds.lowerBound
  private var onAccept: ((Socket) -> Void)?
  private var onTrouble: ((SystemError) -> Void)?
  private lazy var restTimer = LoopTimer { [unowned self] in resume() }
  private var isOpen = false
  private var isAccepting = false

  /// Binds and listens; `start` begins to accept.
  package init(on address: SocketAddress, loop: EventLoop, reusesPort: Bool = false)
    throws(SystemError)
  {
    self.loop = loop
    kernel = loop.kernel
    descriptor = try Socket.open(address.family)
    let raw = descriptor.raw
    Self.setOptions(of: raw, address, reusesPort: reusesPort)
    _ = try unsafe address.withSockaddr { (pointer, length) throws(SystemError) in
      try retryingInterrupts("bind") { unsafe bind(raw, pointer, length) }
    }
    _ = try retryingInterrupts("listen") { listen(raw, Self.backlog) }
    self.address = unsafe TernEventLoop.address { unsafe getsockname(raw, $0, $1) } ?? address
    reserve = Self.openReserve()
  }

  private static func setOptions(of descriptor: CInt, _ address: SocketAddress, reusesPort: Bool) {
    func set(_ level: CInt, _ option: CInt) {
      var one: CInt = 1
      _ = unsafe setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<CInt>.size))
    }
    set(SOL_SOCKET, SO_REUSEADDR)
    if reusesPort { set(SOL_SOCKET, SO_REUSEPORT) }
    // IPv4 has a listener of its own, so that both kinds of addresses are shown as they are.
    if address.family == AF_INET6 { set(CInt(IPPROTO_IPV6), IPV6_V6ONLY) }
  }

  private static func openReserve() -> Descriptor? {
    let raw = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    return raw < 0 ? nil : Descriptor(owning: raw)
  }

  /// Begins to accept. On the loop only.
  ///
  /// - Parameters:
  ///   - onAccept: Gets each new connection.
  ///   - onTrouble: Told when accepting has to rest.
  package func start(
    onAccept: @escaping (Socket) -> Void, onTrouble: @escaping (SystemError) -> Void
  ) throws(SystemError) {
    self.onAccept = onAccept
    self.onTrouble = onTrouble
    try loop.add(self, descriptor: descriptor.raw, interest: .readable)
    isOpen = true
  }

  /// Stops accepting; the port is free when the listener is gone. On the loop only.
  package func close() {
    guard isOpen else { return }
    // Whoever is in the queue has connected; with the socket they would be reset. Who closes it from
    // within `onAccept` wants no more.
    if !isAccepting { accept(atMost: Int(Self.backlog)) }
    guard isOpen else { return }
    isOpen = false
    loop.cancel(restTimer)
    loop.remove(self, descriptor: descriptor.raw)
    onAccept = nil
    onTrouble = nil
    // Only closing frees the port, and the descriptor lives as long as we do: an early end of
    // listening makes connecting fail at once.
    _ = Glibc.shutdown(descriptor.raw, CInt(SHUT_RDWR))
    if case .unix(let path) = address, path.utf8.first != 0 { _ = unsafe unlink(path) }
  }

  package func receiveReadiness(_ readiness: Readiness) { accept(atMost: Self.maxAcceptsPerTurn) }

  private func accept(atMost limit: Int) {
    isAccepting = true
    defer { isAccepting = false }
    for _ in 0..<limit {
      let accepted = kernel.accept(descriptor.raw)
      if accepted >= 0 {
        restMilliseconds = Self.restMilliseconds.lowerBound
        let socket = Socket(owning: Descriptor(owning: accepted), kernel: kernel)
        if address.family != AF_UNIX { socket.setNoDelay() }
        onAccept?(socket)
        if !isOpen { return }
        continue
      }
      switch errno {
      case EAGAIN, EWOULDBLOCK: return
      // The connection was given up before we took it, or failed on the network: the next one may
      // be fine (man 2 accept).
      case EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, EHOSTUNREACH,
        EOPNOTSUPP, ENETUNREACH:
        continue
      case let code:
        rest(SystemError(call: "accept", code: code))
        return
      }
    }
  }

  /// Out of descriptors or memory: accepting at once again would only keep the loop busy.
  private func rest(_ error: SystemError) {
    if error.code == EMFILE || error.code == ENFILE { turnOneAway() }
    onTrouble?(error)
    if !isOpen { return }
    loop.watch(self, descriptor: descriptor.raw, for: [])
    loop.schedule(restTimer, after: .milliseconds(restMilliseconds))
    restMilliseconds = min(restMilliseconds * 2, Self.restMilliseconds.upperBound)
  }

  private func turnOneAway() {
    reserve = nil
    let accepted = kernel.accept(descriptor.raw)
    if accepted >= 0 { _ = Descriptor(owning: accepted) }
    reserve = Self.openReserve()
  }

  private func resume() {
    if reserve == nil { reserve = Self.openReserve() }
    loop.watch(self, descriptor: descriptor.raw, for: .readable)
  }
}
