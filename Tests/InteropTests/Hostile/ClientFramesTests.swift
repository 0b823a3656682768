import Foundation
import Testing

import Tern
import TestSupport

/// What Tern's client puts on the wire, frame by frame.
@Suite("Frames of the client", .timeLimit(.minutes(1)))
struct ClientFramesTests {
  // Spec: W1, W2, W3, W4, W5, W6, W7, W10, W14 (PROTOCOL-HTTP2, Request)
  @Test("A call begins with the head that the contract asks for")
  func requestHead() async throws {
    let server = try ScriptedServer([.settings(), .end(), .answer([])])
    var metadata: Metadata = ["name": "value"]
    metadata.append("name-bin", [0xAB, 0xAB, 0xAB, 0])
    let options = CallOptions(timeout: .seconds(100), metadata: metadata)

    try await withEcho(server) { _ = try await $0.unary([], options: options) }

    let head = try await server.firstConversation()[1].head
    #expect(Set(head.prefix(4).map(\.name)) == [":method", ":scheme", ":path", ":authority"])
    #expect(head.dropFirst(4).first?.name == "grpc-timeout")
    #expect(head.suffix(2).map(\.name) == ["name", "name-bin"])
    #expect(head.first(":method") == "POST")
    #expect(head.first(":scheme") == "http")
    #expect(head.first(":path") == "/tern.test.Echo/Unary")
    #expect(head.first(":authority") == server.target)
    #expect(head.first("te") == "trailers")
    #expect(head.first("content-type") == "application/grpc")
    #expect(head.first("user-agent")?.hasPrefix("grpc-swift") == true)
    #expect(head.first("name") == "value")
    // Spec: W24 (PROTOCOL-HTTP2, Binary-Header: sent without padding)
    #expect(head.first("name-bin") == "q6urAA")
    let timeout = try #require(head.first("grpc-timeout"))
    #expect(timeout.wholeMatch(of: /[0-9]{1,8}[HMSmun]/) != nil, "\(timeout)")
  }

  // Spec: W43 (a small message and its prefix share a DATA frame), W67 (END_STREAM on the last one)
  @Test("A small message, its prefix and the end of the stream are one DATA frame")
  func oneFrame() async throws {
    let server = try ScriptedServer([.settings(), .end(), .answer([])])

    try await withEcho(server) { _ = try await $0.unary([1, 2, 3]) }

    let transcript = try await server.firstConversation().transcript
    #expect(transcript.filter { $0.hasPrefix("<- 1 DATA") } == ["<- 1 DATA 8 END_STREAM"])
  }

  // Spec: W83 (no server push)
  // Spec: W95 (PINGs from the peer are answered always)
  @Test("The client acknowledges SETTINGS, answers PING, and wants no push")
  func manners() async throws {
    let pings: [[UInt8]] = [[1, 1, 1, 1, 1, 1, 1, 1], [2, 2, 2, 2, 2, 2, 2, 2]]
    let server = try ScriptedServer([
      .settings(), .send(.ping(pings[0])), .request(), .send(.ping(pings[1])), .answer([]),
      .wait(for: "two PING answers") { $0.answeredPings.count == 2 },
      .wait(for: "the answer to SETTINGS") { $0.acknowledgedSettings == 1 },
    ])

    try await withEcho(server) { _ = try await $0.unary([]) }

    let heard = try await server.firstConversation()
    #expect(heard.answeredPings == pings)
    #expect(heard.settings[.enablePush] == 0)
  }

  // Spec: W18 (gRPC deadlines), W72 (RST_STREAM by the client)
  // Spec: W21 (the client's own timer, where the server does nothing)
  @Test("A call whose deadline passes ends at once and resets its stream")
  func deadline() async throws {
    let hasBegun = Gate()
    let opensGate = Step("open the gate") { _ in hasBegun.open() }
    let server = try ScriptedServer([.settings(), .request(), opensGate, .resetOf(1)])
    let clock = ManualClock()

    try await withEcho(server, clock: clock) { echo in
      await expectError(.deadlineExceeded) {
        async let call = echo.unary([1], options: CallOptions(timeout: .milliseconds(200)))
        try await hasBegun.opened()
        await clock.advance(by: .milliseconds(200))
        _ = try await call
      }
      // The channel's end must not be what resets the stream.
      let heard = try await server.firstConversation()
      #expect(heard[1].resetCode == .cancel)
    }
  }

  // Spec: W72 (RST_STREAM by the client: CANCEL)
  @Test("A call that is cancelled resets its stream")
  func cancellation() async throws {
    let hasBegun = Gate()
    let opensGate = Step("open the gate") { _ in hasBegun.open() }
    let server = try ScriptedServer([.settings(), .request(), opensGate, .resetOf(1)])

    try await withEcho(server) { echo in
      let call = Task { try await echo.unary([1]) }
      try await hasBegun.opened()
      call.cancel()
      await expectError(.cancelled) { _ = try await call.value }
      let heard = try await server.firstConversation()
      #expect(heard[1].resetCode == .cancel)
    }
  }

  // Spec: W72 (RST_STREAM by the client: CANCEL)
  @Test("Leaving the loop over a response stream resets its stream")
  func leavingEarly() async throws {
    let server = try ScriptedServer([.settings(), .end(), .head(), .message([7]), .resetOf(1)])

    try await withEcho(server) { echo in
      for try await message in echo.serverStream([]) {
        #expect(message == [7])
        break
      }
      let heard = try await server.firstConversation()
      #expect(heard[1].resetCode == .cancel)
    }
  }

  // Spec: W65 (PROTOCOL-HTTP2: a server may answer before the request ends)
  @Test("A client that still sends takes the status of an early answer")
  func earlyAnswer() async throws {
    let server = try ScriptedServer([
      .settings(), .messages(3), .headers(.trailersOnly(7, "no more"), endStream: true),
      .reset(.noError),
    ])

    let error = await expectError(.permissionDenied) {
      try await withEcho(server) { echo in
        _ = try await echo.clientStream { requests in
          while true { try await requests.send([UInt8](repeating: 0, count: 1000)) }
        }
      }
    }

    #expect(error?.message == "no more")
  }

  // Spec: W84 (flow control)
  @Test("A request waits for the server's window and then goes on")
  func closedWindow() async throws {
    let hasNothing = Step("no DATA yet") { peer in
      if !peer.seen[1].body.isEmpty { throw peer.complaint("DATA without a window.") }
    }
    let server = try ScriptedServer([
      // The answer to PING shows that all that could be sent before it was.
      .settings([.initialWindowSize: 0]), .request(), .send(.ping()),
      .wait(for: "the answer to PING") { !$0.answeredPings.isEmpty }, hasNothing,
      .send(.settings([.initialWindowSize: 65_535])), .end(), .answer([1]),
    ])
    let request = [UInt8](repeating: 5, count: 100_000)

    let answer = try await withEcho(server) { try await $0.unary(request) }

    #expect(answer == [1])
    #expect(try await server.firstConversation()[1].messages == [request])
  }

  // Spec: W33 (PROTOCOL-HTTP2, Length-Prefixed-Message: padding counts for flow control)
  @Test("Padding counts for the window: two megabytes of it do not stop a small answer")
  func padding() async throws {
    let payload = [UInt8](repeating: 9, count: 40_000)
    let server = try ScriptedServer([
      .settings(), .end(), .head(), .paddedMessage(payload), .trailers(0),
    ])

    let answer = try await withEcho(server) { try await $0.unary([]) }

    #expect(answer == payload)
  }

  private func withEcho<Result>(
    _ server: ScriptedServer, clock: EventLoopClock = .system,
    _ body: (EchoClient) async throws -> Result
  ) async throws -> Result {
    let channel = try GRPCChannel(
      server.target, credentials: .insecure, group: EventLoopGroup(loopCount: 1, clock: clock))
    defer { channel.close() }
    return try await body(EchoClient(channel: channel))
  }
}

extension Step {
  /// A message in fragments of five bytes, each with 255 bytes of padding, as fast as the client's
  /// windows allow.
  fileprivate static func paddedMessage(_ payload: [UInt8]) -> Step {
    let bytes = prefixed(payload)
    return Step("a padded message") { peer in
      var sent = 0
      for start in stride(from: 0, to: bytes.count, by: 5) {
        let fragment = bytes[start..<min(start + 5, bytes.count)]
        let padding = [UInt8](repeating: 0, count: 255)
        let frame = Frame(.data, flags: .padded, on: 1, [255] + fragment + padding)
        sent += frame.payload.count
        try peer.wait(for: "a window of \(sent) bytes") { $0.window(on: 1) >= sent }
        try peer.send(frame)
      }
    }
  }
}
