import Glibc
import Testing

@testable import TernEventLoop

@Suite("Listener", .timeLimit(.minutes(2)))
struct ListenerTests {
  private let loopback = SocketAddress.ipv4(host: "127.0.0.1", port: 0)

  @Test("A port that is taken is an error that names the call and the reason")
  func portInUse() async throws {
    try await withLoop { loop in
      let first = try Listener(on: loopback, loop: loop)

      let error = try #require(throws: SystemError.self) {
        try Listener(on: first.address, loop: loop)
      }

      #expect(error.isAddressInUse)
      #expect(error.call == "bind")
    }
  }

  @Test("Listeners that agree to it share a port")
  func sharedPort() async throws {
    try await withLoop { loop in
      let first = try Listener(on: loopback, loop: loop, reusesPort: true)

      let second = try Listener(on: first.address, loop: loop, reusesPort: true)

      #expect(second.address == first.address)
    }
  }

  @Test("After close nobody can connect, and the path of a Unix domain socket is gone")
  func close() async throws {
    try await withLoop { loop in
      let path = temporaryPath()
      for address in [loopback, .unix(path: path)] {
        let acceptor = try await Acceptor(on: address, loop: loop)
        try await loop.perform {
          acceptor.listener.close()
          acceptor.listener.close()
        }

        #expect(throws: SystemError.self) {
          let socket = try Socket.connecting(to: acceptor.listener.address)
          socket.waitUntilConnected()
          if let error = socket.connectError() { throw error }
        }
      }
      let isThere = unsafe access(path, F_OK) == 0
      #expect(!isThere)
    }
  }

  @Test("A listener that closes itself while it accepts takes no more connections")
  func closeInside() async throws {
    try await withLoop { loop in
      let listener = try Listener(on: loopback, loop: loop)
      let accepted = Notes<Socket>()
      let clients = try (0..<3).map { _ in try Socket.connecting(to: listener.address) }
      for client in clients { client.waitUntilConnected() }

      try await loop.perform {
        try listener.start(
          onAccept: {
            accepted.append($0)
            listener.close()
          }, onTrouble: { _ in })
      }
      await accepted.reach(1)
      await loop.becomeIdle()

      #expect(accepted.count == 1)
    }
  }

  @Test(
    "Connections that failed before they were accepted are passed over",
    arguments: [ECONNABORTED, EINTR, EPROTO, ENETDOWN, EHOSTUNREACH])
  func passedOver(code: CInt) async throws {
    let kernel = ScriptedKernel(accepts: [code, code])
    try await withLoop(kernel: kernel) { loop in
      let acceptor = try await Acceptor(on: loopback, loop: loop)

      _ = try await acceptor.connect()

      #expect(acceptor.troubles.all.isEmpty)
      #expect(kernel.calls.all.prefix(3) == ["accept", "accept", "accept"])
      try await loop.perform { acceptor.listener.close() }
    }
  }

  @Test("Without descriptors one client is turned away at once, and accepting rests")
  func outOfDescriptors() async throws {
    let clock = ManualClock()
    let kernel = ScriptedKernel(accepts: [EMFILE])
    try await withLoop(clock: clock, kernel: kernel) { loop in
      let acceptor = try await Acceptor(on: loopback, loop: loop)

      let turnedAway = try Socket.connecting(to: acceptor.listener.address)
      #expect(try turnedAway.readSoon().result == .endOfStream)
      await acceptor.troubles.reach(1)
      let waiting = try Socket.connecting(to: acceptor.listener.address)
      waiting.waitUntilConnected()
      await clock.advance(by: .milliseconds(49))
      #expect(acceptor.sockets.count == 0)
      await clock.advance(by: .milliseconds(2))
      await acceptor.sockets.reach(1)

      #expect(acceptor.troubles.all == [SystemError(call: "accept", code: EMFILE)])
      try await loop.perform { acceptor.listener.close() }
    }
  }

  @Test("Each rest is twice as long as the one before, and a success begins anew")
  func rests() async throws {
    let clock = ManualClock()
    let kernel = ScriptedKernel(accepts: [ENOBUFS, ENOBUFS, ENOBUFS])
    try await withLoop(clock: clock, kernel: kernel) { loop in
      let acceptor = try await Acceptor(on: loopback, loop: loop)
      let client = try Socket.connecting(to: acceptor.listener.address)
      await acceptor.troubles.reach(1)

      for (index, milliseconds) in [50, 100, 200].enumerated() {
        await clock.advance(by: .milliseconds(milliseconds - 1))
        #expect(acceptor.troubles.count == index + 1)
        #expect(acceptor.sockets.count == 0)
        await clock.advance(by: .milliseconds(2))
        if index < 2 { await acceptor.troubles.reach(index + 2) }
      }
      await acceptor.sockets.reach(1)

      #expect(acceptor.troubles.count == 3)
      withExtendedLifetime(client) {}
      try await loop.perform { acceptor.listener.close() }
    }
  }

  @Test("A listener may be closed and dropped when it tells of trouble")
  func closeInTrouble() async throws {
    let clock = ManualClock()
    let kernel = ScriptedKernel(accepts: [ENOBUFS])
    try await withLoop(clock: clock, kernel: kernel) { loop in
      let troubles = Notes<SystemError>()
      let client = try await loop.perform {
        let listener = try Listener(on: loopback, loop: loop)
        try listener.start(
          onAccept: { _ in },
          onTrouble: {
            listener.close()
            troubles.append($0)
          })
        return try Socket.connecting(to: listener.address)
      }
      await troubles.reach(1)

      await clock.advance(by: .seconds(5))

      #expect(troubles.count == 1)
      withExtendedLifetime(client) {}
    }
  }
}
