import Glibc
import TestSupport
import Testing

@testable import TernEventLoop

/// A listener on a loop, and what it has accepted.
final class Acceptor: Sendable {
  let listener: Listener
  let sockets = Notes<Socket>()
  let troubles = Notes<SystemError>()

  init(on address: SocketAddress, loop: EventLoop) async throws {
    listener = try Listener(on: address, loop: loop)
    try await loop.perform { [listener, sockets, troubles] in
      try listener.start(
        onAccept: { sockets.append($0) }, onTrouble: { troubles.append($0) })
    }
  }

  /// Connects, and returns both ends.
  func connect() async throws -> (client: Socket, server: Socket) {
    let count = sockets.count
    let client = try Socket.connecting(to: listener.address)
    client.waitUntilConnected()
    if let error = client.connectError() { throw error }
    await sockets.reach(count + 1)
    return (client, sockets.all[count])
  }
}

extension Socket {
  func waitUntilConnected() { wait(for: POLLOUT, on: descriptor) }

  func write(_ text: String) throws -> Int {
    try unsafe Array(text.utf8).withUnsafeBytes { try unsafe write($0) }
  }

  func readOnce(_ count: Int = 100) throws -> (result: ReadResult, text: String) {
    var bytes = [UInt8](repeating: 0, count: count)
    let result = try unsafe bytes.withUnsafeMutableBytes { try unsafe read(into: $0) }
    guard case .bytes(let count) = result else { return (result, "") }
    return (result, String(decoding: bytes[..<count], as: UTF8.self))
  }

  /// Waits for something, and reads it.
  func readSoon() throws -> (result: ReadResult, text: String) {
    wait(for: POLLIN, on: descriptor)
    return try readOnce()
  }
}

/// A path for a Unix domain socket that nobody else has.
func temporaryPath(_ name: String = #function) -> String {
  "/tmp/tern-\(getpid())-\(name.prefix { $0 != "(" }).sock"
}

@Suite("Sockets", .timeLimit(.minutes(2)))
struct SocketTests {
  enum Kind: CaseIterable { case ipv4, ipv6, unix, abstract }

  private func address(_ kind: Kind) -> SocketAddress {
    switch kind {
    case .ipv4: .ipv4(host: "127.0.0.1", port: 0)
    case .ipv6: .ipv6(host: "::1", port: 0)
    case .unix: .unix(path: temporaryPath("kinds"))
    case .abstract: .unix(path: "\0tern-\(getpid())-kinds")
    }
  }

  @Test("Bytes go both ways, and each end knows both addresses", arguments: Kind.allCases)
  func bothWays(kind: Kind) async throws {
    try await withLoop { loop in
      let acceptor: Acceptor
      do {
        acceptor = try await Acceptor(on: address(kind), loop: loop)
      } catch let error as SystemError where kind == .ipv6 && error.isMissingAddress {
        // A machine without IPv6 says so.
        #expect(error.call == "bind" || error.call == "socket")
        #expect(error.description.contains("ddress"))
        return
      }
      let (client, server) = try await acceptor.connect()

      #expect(try client.write("ping") == 4)
      #expect(try server.readSoon().text == "ping")
      #expect(try server.write("pong") == 4)
      #expect(try client.readSoon().text == "pong")

      #expect(client.remoteAddress() == acceptor.listener.address)
      #expect(server.localAddress() == acceptor.listener.address)
      if kind == .ipv4 || kind == .ipv6 {
        #expect(acceptor.listener.address.port != 0)
        #expect(server.remoteAddress() == client.localAddress())
      } else {
        #expect(acceptor.listener.address == address(kind))
        #expect(server.remoteAddress() == .unix(path: ""))
      }
      try await loop.perform { acceptor.listener.close() }
    }
  }

  @Test("The end of one side is an end of stream for the other, after all bytes")
  func endOfStream() async throws {
    try await withLoop { loop in
      let acceptor = try await Acceptor(on: address(.ipv4), loop: loop)
      let (client, server) = try await acceptor.connect()

      _ = try client.write("last words")
      client.shutDown()

      #expect(try server.readSoon().text == "last words")
      #expect(try server.readSoon().result == .endOfStream)
      try await loop.perform { acceptor.listener.close() }
    }
  }

  @Test("Nothing to read would block, and a full socket takes 0 bytes")
  func wouldBlock() async throws {
    try await withLoop { loop in
      let acceptor = try await Acceptor(on: address(.ipv4), loop: loop)
      let (client, server) = try await acceptor.connect()
      let block = String(repeating: "x", count: 1 << 20)

      #expect(try client.readOnce().result == .wouldBlock)
      var written = 0
      while case let count = try client.write(block), count > 0 { written += count }

      #expect(written > 0)
      #expect(try client.write(block) == 0)
      withExtendedLifetime(server) {}
      try await loop.perform { acceptor.listener.close() }
    }
  }

  @Test("Writing to a peer that is gone is an error, not a signal")
  func brokenPipe() async throws {
    let pair = try SocketPair()
    let socket = Socket(owning: Descriptor(owning: dup(pair.near)))
    _ = Glibc.shutdown(pair.far, CInt(SHUT_RDWR))

    let error = try #require(throws: SystemError.self) { try socket.write("x") }

    #expect(error == .brokenPipe)
  }

  @Test("Connecting to nobody fails with the reason", arguments: [Kind.ipv4, .unix, .abstract])
  func refused(kind: Kind) async throws {
    try await withLoop { loop in
      // A port that is taken and a path that is not: nobody listens on either.
      let unused = try BlockingSocket.occupy()
      defer { withExtendedLifetime(unused) {} }
      let address: SocketAddress =
        kind == .ipv4
        ? .ipv4(host: "127.0.0.1", port: unused.port)
        : kind == .unix ? .unix(path: temporaryPath("nobody")) : .unix(path: "\0tern-nobody")
      var failure: SystemError?

      do throws(SystemError) {
        let socket = try Socket.connecting(to: address)
        socket.waitUntilConnected()
        failure = socket.connectError()
      } catch {
        failure = error
      }

      #expect(failure?.call == "connect")
      #expect(failure?.code == (kind == .unix ? ENOENT : ECONNREFUSED))
    }
  }

  // MARK: Calls that fail

  @Test("Reads and writes that a signal interrupts are made again")
  func interrupted() throws {
    let pair = try SocketPair()
    let kernel = ScriptedKernel(
      reads: [.failure(EINTR), .failure(EINTR)], writes: [.failure(EINTR)])
    let socket = Socket(owning: Descriptor(owning: dup(pair.near)), kernel: kernel)
    pair.poke()

    #expect(try socket.readOnce().text == "x")
    #expect(try socket.write("abc") == 3)
    #expect(kernel.calls.all == ["read", "read", "read", "write", "write"])
  }

  @Test("A short write says how much, a short read gives what there was")
  func short() throws {
    let pair = try SocketPair()
    let kernel = ScriptedKernel(reads: [.atMost(1)], writes: [.atMost(2)])
    let socket = Socket(owning: Descriptor(owning: dup(pair.near)), kernel: kernel)
    for _ in 0..<3 { pair.poke() }

    #expect(try socket.write("abcd") == 2)
    #expect(try socket.readOnce().result == .bytes(1))
    #expect(try socket.readOnce().result == .bytes(2))
  }

  @Test("Other errors are told with their call", arguments: [ECONNRESET, ETIMEDOUT, EHOSTUNREACH])
  func failing(code: CInt) throws {
    let pair = try SocketPair()
    let kernel = ScriptedKernel(reads: [.failure(code)], writes: [.failure(code)])
    let socket = Socket(owning: Descriptor(owning: dup(pair.near)), kernel: kernel)

    #expect(throws: SystemError(call: "read", code: code)) { try socket.readOnce() }
    #expect(throws: SystemError(call: "write", code: code)) { try socket.write("x") }
  }

  // Spec: W93 (A18, TCP_USER_TIMEOUT)
  @Test("The time for which written bytes may stay unacknowledged is the system's from then on")
  func userTimeout() async throws {
    try await withLoop { loop in
      let acceptor = try await Acceptor(on: address(.ipv4), loop: loop)
      let (client, _) = try await acceptor.connect()

      client.setUserTimeout(milliseconds: 20_000)

      #expect(client.userTimeoutMilliseconds() == 20_000)
      try await loop.perform { acceptor.listener.close() }
    }
  }
}
