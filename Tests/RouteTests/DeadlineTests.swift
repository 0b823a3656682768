import Testing

import Tern
import TestSupport

/// Deadlines of calls of each kind.
@Suite("Deadlines", .timeLimit(.minutes(1)))
struct DeadlineTests {
  /// Handlers that wait until they are cancelled, one of each kind.
  private static func waiting(begun: Signal, cancelled: Signal) -> [ServerMethod] {
    let wait: @Sendable () async -> Void = {
      begun.fire()
      await Signal().wait()
      cancelled.fire()
    }
    return [
      .unary(Route.unary) { request, _ in
        await wait()
        return request
      },
      .serverStreaming(Route.serverStream) { _, _, _ in await wait() },
      .clientStreaming(Route.clientStream) { _, _ in
        await wait()
        return []
      },
      .bidirectional(Route.bidi) { _, _, _ in await wait() },
    ]
  }

  private static func call(
    _ kind: CallKind, on route: Route, _ options: CallOptions
  ) async throws {
    let requests: [[UInt8]] = [[1], [2]]
    switch kind {
    case .unary: _ = try await route.unary([], options: options)
    case .serverStreaming: for try await _ in route.serverStream([], options: options) {}
    case .clientStreaming: _ = try await route.clientStream(requests, options: options)
    case .bidirectional: for try await _ in route.bidi(requests, options: options) {}
    }
  }

  // Spec: W18, W19, W21 (gRPC deadlines: whatever the kind of the call)
  @Test("A deadline ends calls of each kind, and cancels their handlers", arguments: CallKind.all)
  func eachKind(kind: CallKind) async throws {
    let clock = ManualClock()
    let (begun, cancelled) = (Signal(), Signal())

    try await Route.run(
      Self.waiting(begun: begun, cancelled: cancelled),
      group: EventLoopGroup(loopCount: 1, clock: clock)
    ) { route in
      await expectError(.deadlineExceeded) {
        async let call: Void = Self.call(kind, on: route, CallOptions(timeout: .milliseconds(200)))
        await begun.wait()
        await clock.advance(by: .milliseconds(200))
        try await call
      }
      await cancelled.wait()
    }
  }
}

/// Deadlines that a channel sets, and what they cover.
@Suite("Deadlines of channels", .timeLimit(.minutes(1)))
struct ChannelDeadlineTests {
  /// Says how many seconds its caller has given it, rounded up, or nothing.
  private static let remaining = ServerMethod.unary(Route.unary) { _, context in
    #expect((context.deadline == nil) == (context.timeRemaining == nil))
    guard let remaining = context.timeRemaining, let moment = context.deadline else { return [] }
    let seconds = remaining.components.seconds + (remaining.components.attoseconds > 0 ? 1 : 0)
    #expect(moment > .now)
    return [UInt8(seconds)]
  }

  private static let method = "test.Route/Unary"

  // swift-format-ignore
  static let rows: [(channel: Int64?, service: Int64?, method: Int64?, call: Int64?, seconds: [UInt8])] = [
    (nil, nil, nil, nil, []),
    (100, nil, nil, nil, [100]),
    (100, 110, nil, nil, [110]),
    (100, 110, 120, nil, [120]),
    (100, 110, 120, 130, [130]),
    (100, nil, nil, 130, [130]),
    (nil, 110, nil, nil, [110]),
    (nil, 110, 120, 30,  [30]),
    // How a call says that it has no deadline though its channel sets one.
    (100, nil, nil, .max, []),
  ]

  // Spec: W17 (the call's own timeout, the method's, the channel's)
  @Test("What a call does not say its method's options do, or the channel's", arguments: rows)
  func defaults(
    row: (channel: Int64?, service: Int64?, method: Int64?, call: Int64?, seconds: [UInt8])
  ) async throws {
    var options = ChannelOptions()
    options.timeout = row.channel.map { .seconds($0) }
    if let seconds = row.service {
      options.methods["test.Route"] = .init(timeout: .seconds(seconds))
    }
    if let seconds = row.method {
      options.methods[Self.method] = .init(timeout: .seconds(seconds))
    }

    // A clock that stands still: what arrives is what was sent.
    let group = EventLoopGroup(loopCount: 1, clock: ManualClock())
    try await Route.run([Self.remaining], channelOptions: options, group: group) { route in
      let timeout = row.call.map { Duration.seconds($0) }
      let answer = try await route.unary([], options: CallOptions(timeout: timeout))
      #expect(answer == row.seconds)
    }
  }

  // Spec: W17 (the effective deadline is the smallest; the parent's counts)
  @Test("A smaller deadline of the handler in which the call is made wins over the channel's")
  func parent() async throws {
    let group = EventLoopGroup(loopCount: 1, clock: ManualClock())
    var options = ChannelOptions()
    options.timeout = .seconds(100)
    try await Route.run([Self.remaining], channelOptions: options, group: group) { back in
      let unary = back.unary
      let front = ServerMethod.unary(Route.unary) { _, _ in try await unary([]) }
      try await Route.run([front], group: group) { route in
        let small = try await route.unary([], options: CallOptions(timeout: .seconds(20)))
        let large = try await route.unary([], options: CallOptions(timeout: .seconds(200)))
        #expect(small == [20])
        #expect(large == [100])
      }
    }
  }

  // Spec: W20 (the deadline covers connecting and queueing)
  @Test("A deadline covers the time in which the server has no room, and nothing is sent then")
  func queueing() async throws {
    let clock = ManualClock()
    let (begun, gate, calls) = (Signal(), Signal(), Counter())
    let hold = ServerMethod.unary(Route.unary) { request, _ in
      calls.add()
      begun.fire()
      await gate.wait()
      return request
    }
    var options = ServerOptions()
    options.maxConcurrentStreams = 1

    try await Route.run(
      [hold], options: options, group: EventLoopGroup(loopCount: 1, clock: clock)
    ) { route in
      async let first = route.unary([1])
      await begun.wait()
      // Time goes on until the call has noticed: nobody can tell when it has begun to wait.
      let time = Task { while !Task.isCancelled { await clock.advance(by: .seconds(1)) } }
      await expectError(.deadlineExceeded) {
        _ = try await route.unary([2], options: CallOptions(timeout: .seconds(5)))
      }
      time.cancel()
      await time.value
      gate.fire()
      let answer = try await first
      #expect(answer == [1])
      #expect(calls.value == 1)
    }
  }

  // Spec: W20 (the deadline covers connecting)
  @Test("A deadline covers the time in which the server does not say anything")
  func connecting() async throws {
    let isConnected = TestSupport.Gate()
    let silent = try ScriptedServer([
      Step("preface") { try $0.readPreface() }, .open(isConnected),
    ])
    let clock = ManualClock()
    let channel = try GRPCChannel(
      silent.target, credentials: .insecure, group: EventLoopGroup(loopCount: 1, clock: clock))
    defer { channel.close() }

    let error = await expectError(.deadlineExceeded) {
      async let call = UnaryCallable(channel, Route.unary)(
        [], options: CallOptions(timeout: .seconds(5)))
      try await isConnected.opened()
      await clock.advance(by: .seconds(5))
      _ = try await call
    }

    #expect(error?.origin == .library)
    #expect(try await silent.firstConversation().streams.isEmpty)
  }
}
