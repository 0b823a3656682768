import Testing
import TestSupport

import Tern

/// TLS with something between client and server.
@Suite("TLS on the wire", .timeLimit(.minutes(2)))
struct SecureWireTests {
  /// Runs `body` with a channel whose connections go through a relay.
  private func withRelay(
    _ manner: RecordingRelay.Manner = .atOnce, _ methods: [ServerMethod] = [.echo],
    _ body: (RecordingRelay, GRPCChannel) async throws -> Void
  ) async throws {
    try await Route.run(
      methods, credentials: Secure.server(), channelCredentials: Secure.channel()
    ) { route in
      let relay = try RecordingRelay(to: route.port, manner)
      let channel = try GRPCChannel(relay.target, credentials: Secure.channel())
      defer { channel.close() }
      try await body(relay, channel)
      // Whatever happened there, others did not notice.
      let answer = try await route.unary([1])
      #expect(answer == [1])
    }
  }

  @Test("One byte a packet is enough")
  func oneByteAPacket() async throws {
    try await withRelay(.inChunks(bytes: 1)) { _, channel in
      let message = (0..<2_000).map { UInt8(truncatingIfNeeded: $0) }
      let answer = try await UnaryCallable(channel, Route.unary)(message)
      #expect(answer == message)
    }
  }

  @Test("A second connection of a channel resumes the session of the first")
  func resumption() async throws {
    let how = ServerMethod.unary(Route.unary) { _, context in
      [context.tls?.isResumed == true ? 1 : 0]
    }
    try await Route.run(
      [how], credentials: Secure.server(), channelCredentials: Secure.channel()
    ) { route in
      let relay = try RecordingRelay(to: route.port)
      let channel = try GRPCChannel(relay.target, credentials: Secure.channel())
      defer { channel.close() }
      let unary = UnaryCallable(channel, Route.unary)
      let first = try await unary([])
      #expect(first == [0])
      relay.cut()
      // A call that still finds the old connection may be lost with it.
      var second: [UInt8]?
      while second == nil || relay.connectionCount < 2 {
        second = try? await unary([], options: CallOptions(waitForReady: true))
      }
      #expect(second == [1])
    }
  }

  // Spec: W98 (before SETTINGS nothing is ready)
  @Test(
    "A peer that vanishes in the middle of the handshake fails the call",
    arguments: [(RecordingRelay.Direction.toServer, 100), (.toClient, 100), (.toClient, 1_500)])
  func vanishing(direction: RecordingRelay.Direction, bytes: Int) async throws {
    try await withRelay(.vanishing(direction, afterBytes: bytes)) { _, channel in
      let error = await expectError(.unavailable) {
        _ = try await UnaryCallable(channel, Route.unary)([])
      }
      #expect(error?.message.contains("lost before HTTP/2 began") == true, "\(error as Any)")
    }
  }

  // Spec: W81 (connection loss: UNAVAILABLE)
  @Test("A peer that vanishes in the middle of a call fails the call")
  func vanishingLater() async throws {
    try await withRelay(.vanishing(.toServer, afterBytes: 20_000)) { _, channel in
      await expectError(.unavailable) {
        _ = try await UnaryCallable(channel, Route.unary)([UInt8](repeating: 1, count: 100_000))
      }
    }
  }

  @Test("Nothing of a call can be read on the way")
  func nothingReadable() async throws {
    try await withRelay { relay, channel in
      let secret = Array("a text that should not be seen".utf8)
      let answer = try await UnaryCallable(channel, Route.unary)(secret)
      #expect(answer == secret)
      for direction in RecordingRelay.Direction.allCases {
        let seen = relay.bytes(direction)
        #expect(seen.count > secret.count)
        #expect(!String(decoding: seen, as: UTF8.self).contains("should not be seen"))
      }
    }
  }
}
