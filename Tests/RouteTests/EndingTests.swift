import Testing

import Tern

/// Deadlines, cancellation, servers that go and come.
@Suite("Endings", .timeLimit(.minutes(1)))
struct EndingTests {
  /// A handler that tells when it begins, and when it is cancelled.
  private static func hang(
    begun: Signal, cancelled: Signal = Signal()
  ) -> ServerMethod {
    .unary(Route.unary) { _, context in
      begun.fire()
      await Signal().wait()
      #expect(context.isCancelled)
      cancelled.fire()
      return []
    }
  }

  // MARK: Deadlines

  // Spec: W17 (an expired deadline fails locally, without sending)
  @Test("A call whose deadline is over sends nothing")
  func expiredDeadline() async throws {
    let calls = Counter()
    let count = ServerMethod.unary(Route.unary) { request, _ in
      calls.add()
      return request
    }

    try await Route.run([count]) { route in
      await expectError(.deadlineExceeded) {
        _ = try await route.unary([], options: CallOptions(timeout: .zero))
      }
      _ = try await route.unary([])
      #expect(calls.value == 1)
    }
  }

  // Spec: W18 (RST_STREAM CANCEL and DEADLINE_EXCEEDED at once)
  // Spec: W19 (the server's own timer)
  @Test("A deadline ends the call on both sides, though the handler does not notice")
  func deadline() async throws {
    let clock = ManualClock()
    let begun = Signal()
    let cancelled = Signal()

    try await Route.run(
      [Self.hang(begun: begun, cancelled: cancelled)],
      group: EventLoopGroup(loopCount: 1, clock: clock)
    ) { route in
      await expectError(.deadlineExceeded) {
        async let call = route.unary([], options: CallOptions(timeout: .seconds(5)))
        await begun.wait()
        await clock.advance(by: .seconds(5))
        _ = try await call
      }
      await cancelled.wait()
    }
  }

  // Spec: W20 (the deadline covers waiting for a connection)
  @Test("A deadline covers the time in which there is no connection")
  func deadlineWithoutConnection() async throws {
    let clock = ManualClock()
    let group = EventLoopGroup(loopCount: 1, clock: clock)
    let port = try await Route.run([.echo]) { $0.port }
    let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: .insecure, group: group)
    defer { channel.close() }
    let unary = UnaryCallable(channel, Route.unary)

    // Time goes on until the call has noticed: nobody can tell when it has begun to wait.
    let time = Task { while !Task.isCancelled { await clock.advance(by: .seconds(1)) } }
    await expectError(.deadlineExceeded) {
      _ = try await unary([], options: CallOptions(timeout: .seconds(5), waitForReady: true))
    }
    time.cancel()
    await time.value
  }

  // MARK: Cancellation

  // Spec: W72, W73 (RST_STREAM by the client; the handler is cancelled)
  @Test("Cancelling the task ends the call, and the handler's task", arguments: CallKind.all)
  func cancellation(kind: CallKind) async throws {
    let begun = Signal()
    let cancelled = Signal()
    let wait: @Sendable () async -> Void = {
      begun.fire()
      await Signal().wait()
      cancelled.fire()
    }
    let methods: [ServerMethod] = [
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

    try await Route.run(methods) { route in
      let call = Task {
        switch kind {
        case .unary: _ = try await route.unary([])
        case .serverStreaming: for try await _ in route.serverStream([]) {}
        case .clientStreaming:
          _ = try await route.clientStream { _ in await Signal().wait() }
        case .bidirectional:
          try await route.bidi { _, responses in for try await _ in responses {} }
        }
      }
      await begun.wait()
      call.cancel()
      await expectError(.cancelled) { try await call.value }
      await cancelled.wait()
    }
  }

  // Spec: W73 (RST_STREAM: the handler is cancelled)
  @Test("Leaving the loop over the responses cancels the handler")
  func leavingEarly() async throws {
    let cancelled = Signal()
    let flood = ServerMethod.serverStreaming(Route.serverStream) { _, responses, _ in
      do {
        while true { try await responses.send([1]) }
      } catch {
        cancelled.fire()
      }
    }

    try await Route.run([flood]) { route in
      for try await _ in route.serverStream([]) { break }
      await cancelled.wait()
    }
  }

  @Test("A channel that is closed lets the calls that run end, and takes no more")
  func closing() async throws {
    let begun = Signal()
    let gate = Signal()
    let hold = ServerMethod.unary(Route.unary) { request, _ in
      begun.fire()
      await gate.wait()
      return request
    }

    try await Route.run([hold]) { route in
      async let call = route.unary([7])
      await begun.wait()
      route.channel.close()
      let error = await expectError(.unavailable) { _ = try await route.unary([8]) }
      #expect(error?.message.contains("closed") == true)
      gate.fire()
      let outcome = try await call
      #expect(outcome == [7])
    }
  }

  // MARK: Servers that go

  @Test("A server that is replaced while a hundred clients call fails no call")
  func replacedServer() async throws {
    var options = ServerOptions()
    options.reusesPort = true
    let service = ClosureService(serverMethods: [.echo])
    let isEnough = Counter()
    var server = GRPCServer(services: [service], options: options)
    let address = try await server.start(on: .tcp("127.0.0.1", 0), credentials: .insecure)
    let port = try #require(address.port)

    try await withThrowingTaskGroup { clients in
      for _ in 0..<100 {
        clients.addTask {
          let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: .insecure)
          defer { channel.close() }
          let unary = UnaryCallable(channel, Route.unary)
          repeat {
            let answer = try await unary([1, 2, 3])
            #expect(answer == [1, 2, 3])
          } while isEnough.value == 0
        }
      }
      for _ in 0..<3 {
        let next = GRPCServer(services: [service], options: options)
        _ = try await next.start(on: .tcp("127.0.0.1", port), credentials: .insecure)
        await server.shutDown(within: .seconds(10))
        server = next
      }
      isEnough.add()
      try await clients.waitForAll()
    }
    await server.shutDown(within: .seconds(1))
  }

  // Spec: W81 (connection loss: every open client call UNAVAILABLE)
  // Spec: W75 (who generates which status: a broken connection)
  @Test("A server that vanishes fails its calls, and the next call reconnects")
  func vanishedServer() async throws {
    let begun = Signal()
    var options = ServerOptions()
    options.reusesPort = true
    let first = GRPCServer(
      services: [ClosureService(serverMethods: [Self.hang(begun: begun)])], options: options)
    let address = try await first.start(on: .tcp("127.0.0.1", 0), credentials: .insecure)
    let port = try #require(address.port)
    let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: .insecure)
    defer { channel.close() }
    let unary = UnaryCallable(channel, Route.unary)

    let error = await expectError(.unavailable) {
      async let call = unary([])
      await begun.wait()
      await first.shutDown(within: .zero)
      _ = try await call
    }
    #expect(error?.message.contains("127.0.0.1:\(port)") == true, "\(error?.message ?? "")")

    let second = GRPCServer(
      services: [ClosureService(serverMethods: [.echo])], options: options)
    _ = try await second.start(on: .tcp("127.0.0.1", port), credentials: .insecure)
    #expect(try await unary([1]) == [1])
    await second.shutDown(within: .seconds(1))
  }

  // Spec: W78 (graceful shutdown: finish streams; close)
  @Test("A graceful shutdown lets the calls that run end, and takes no more")
  func gracefulShutdown() async throws {
    let begun = Signal()
    let gate = Signal()
    let hold = ServerMethod.unary(Route.unary) { request, _ in
      begun.fire()
      await gate.wait()
      return request
    }

    try await Route.run([hold]) { route in
      async let call = route.unary([7])
      await begun.wait()
      route.server.beginGracefulShutdown()
      gate.fire()
      let outcome = try await call
      #expect(outcome == [7])
      await route.server.waitForTermination()
      let error = await expectError(.unavailable) { _ = try await route.unary([8]) }
      #expect(error?.message.contains("127.0.0.1:\(route.port)") == true, "\(error?.message ?? "")")
      #expect(error?.message.contains("refused") == true)
    }
  }

  @Test("Cancelling the task of run ends the server")
  func cancelledRun() async throws {
    let listening = Signal()
    let server = GRPCServer(services: [ClosureService(serverMethods: [.echo])])
    let task = Task {
      try await server.run(on: .tcp("127.0.0.1", 0), credentials: .insecure) { _ in
        listening.fire()
      }
    }

    await listening.wait()
    task.cancel()

    try await task.value
  }

  // Spec: W72 (a server that refuses for load: REFUSED_STREAM)
  @Test("Handlers that outlive their streams count, until there are twice as many as streams")
  func liveHandlers() async throws {
    let gate = Signal()
    let running = Counter()
    var options = ServerOptions()
    options.maxConcurrentStreams = 2
    let stubborn = ServerMethod.unary(Route.unary) { request, _ in
      running.add()
      if request == [0] {
        // Deaf to cancellation.
        await Task.detached { await gate.wait() }.value
      }
      return request
    }

    try await Route.run([stubborn], options: options) { route in
      for number in 0..<4 {
        let call = Task { try await route.unary([0]) }
        while running.value <= number { await Task.yield() }
        call.cancel()
        await expectError(.cancelled) { _ = try await call.value }
      }
      let error = await expectError(.unavailable) { _ = try await route.unary([1]) }
      #expect(error?.message.contains("REFUSED_STREAM") == true, "\(error?.message ?? "")")
      gate.fire()
    }
  }
}

extension CallKind {
  static let all: [CallKind] = [.unary, .serverStreaming, .clientStreaming, .bidirectional]
}
