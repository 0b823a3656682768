import Testing

import Tern

/// What a handler's own deadline means for the calls that it makes.
@Suite("Calls made in handlers", .timeLimit(.minutes(1)))
struct PropagationTests {
  /// Says how many seconds its caller has given it, or that it has all the time.
  private static let remaining = ServerMethod.unary(Route.unary) { _, context in
    guard let remaining = context.timeRemaining else { return Array("unbound".utf8) }
    return Array("\(remaining.components.seconds)".utf8)
  }

  /// Runs a server in front of another one, whose `remaining` the handlers of the first one call.
  private func withTwo(
    _ handler:
      @escaping @Sendable (UnaryCallable<[UInt8], [UInt8]>, ServerContext) async throws -> [UInt8],
    execution: HandlerExecution = .onEventLoop, group: EventLoopGroup = .shared,
    _ body: (Route) async throws -> Void
  ) async throws {
    try await Route.run([Self.remaining]) { back in
      let unary = back.unary
      var options = ServerOptions()
      options.handlerExecution = execution
      let front = ServerMethod.unary(Route.unary) { _, context in
        try await handler(unary, context)
      }
      try await Route.run([front], options: options, group: group) { try await body($0) }
    }
  }

  private func seconds(_ bytes: [UInt8]) -> Int? { Int(String(decoding: bytes, as: UTF8.self)) }

  // Spec: W17 (the effective deadline is the smallest; the parent's counts)
  @Test(
    "A call has what is left of its handler's deadline, wherever the handler runs",
    arguments: [HandlerExecution.onEventLoop, .concurrentPool])
  func inherited(execution: HandlerExecution) async throws {
    try await withTwo({ unary, _ in try await unary([]) }, execution: execution) { route in
      let bound = try await route.unary([], options: CallOptions(timeout: .seconds(500)))
      let unbound = try await route.unary([])

      #expect((400..<500).contains(try #require(seconds(bound))))
      #expect(unbound == Array("unbound".utf8))
    }
  }

  // Spec: W17 (the effective deadline is the smallest)
  @Test("The smaller one of the handler's and its own wins")
  func smaller() async throws {
    try await withTwo({ unary, _ in
      try await unary([], options: CallOptions(timeout: .seconds(300)))
    }) { route in
      let ofCall = try await route.unary([], options: CallOptions(timeout: .seconds(900)))
      let ofHandler = try await route.unary([], options: CallOptions(timeout: .seconds(200)))

      #expect((250..<300).contains(try #require(seconds(ofCall))))
      #expect((150..<200).contains(try #require(seconds(ofHandler))))
    }
  }

  // Spec: W17 (the parent's deadline counts unless told otherwise)
  @Test("A call may be told to be on its own")
  func detached() async throws {
    try await withTwo({ unary, _ in
      var options = CallOptions()
      options.inheritsDeadline = false
      return try await unary([], options: options)
    }) { route in
      let answer = try await route.unary([], options: CallOptions(timeout: .seconds(500)))
      #expect(answer == Array("unbound".utf8))
    }
  }

  // Spec: W17 (the parent's deadline counts in child tasks)
  @Test("Child tasks are bound as well")
  func children() async throws {
    try await withTwo({ unary, _ in
      async let first = unary([])
      let second = try await withThrowingTaskGroup(of: [UInt8].self) { group in
        group.addTask { try await unary([]) }
        return try await group.next() ?? []
      }
      return try await first + [UInt8(ascii: " ")] + second
    }) { route in
      let answer = try await route.unary([], options: CallOptions(timeout: .seconds(500)))
      let both = String(decoding: answer, as: UTF8.self).split(separator: " ").compactMap {
        Int($0)
      }
      #expect(both.count == 2)
      #expect(both.allSatisfy { (400..<500).contains($0) })
    }
  }

  // Spec: W17 (the parent's deadline counts for each kind of call)
  @Test("A streaming call is bound as well")
  func expired() async throws {
    let clock = ManualClock()
    let group = EventLoopGroup(loopCount: 1, clock: clock)
    let begun = Signal()
    let never = ServerMethod.serverStreaming(Route.serverStream) { _, _, _ in
      begun.fire()
      await Signal().wait()
    }
    try await Route.run([never], group: group) { back in
      let outcome = Shared<RPCError?>(nil)
      let stream = back.serverStream
      let seen = Signal()
      let front = ServerMethod.unary(Route.unary) { _, _ in
        do {
          for try await _ in stream([]) {}
        } catch let error as RPCError {
          await outcome.update { $0 = error }
        }
        seen.fire()
        await Signal().wait()
        throw CancellationError()
      }
      try await Route.run([front], group: group) { route in
        let call = Task {
          try await route.unary([], options: CallOptions(timeout: .seconds(600)))
        }
        await begun.wait()
        await clock.advance(by: .seconds(601))
        await seen.wait()
        let code = await outcome.value?.code
        // Whichever came first: its own timer, or the handler's cancellation.
        #expect(code == .deadlineExceeded || code == .cancelled)
        await expectError(.deadlineExceeded) { _ = try await call.value }
      }
    }
  }

  @Test("An unstructured task of one call never gets another call's deadline")
  func unstructured() async throws {
    let tasks = Shared<[Task<[UInt8], any Error>]>([])
    let isNextRunning = Signal()
    // One loop, so that the second call runs on the worker that the first one had.
    let group = EventLoopGroup(loopCount: 1)
    let channel = Shared<GRPCChannel?>(nil)
    try await withTwo(
      { unary, context in
        if context.timeRemaining == nil {
          let plain = Task {
            await isNextRunning.wait()
            return try await unary([])
          }
          var preferred: [Task<[UInt8], any Error>] = []
          if let executor = await channel.value?.executor {
            // Prefers the loop as the worker does, and outlives the handler.
            preferred.append(
              Task(executorPreference: executor) {
                await isNextRunning.wait()
                return try await unary([])
              })
          }
          let all = [plain] + preferred
          await tasks.update { $0 = all }
          return []
        }
        isNextRunning.fire()
        for task in await tasks.value { _ = try? await task.value }
        return []
      }, group: group
    ) { route in
      let own = route.channel
      await channel.update { $0 = own }
      _ = try await route.unary([])
      _ = try await route.unary([], options: CallOptions(timeout: .seconds(500)))
      let answers = await tasks.value
      #expect(answers.count == 2)
      for task in answers {
        let answer = try await task.value
        #expect(answer == Array("unbound".utf8))
      }
      await channel.update { $0 = nil }
    }
  }

  @Test("By hand, an unstructured task takes its call's deadline along")
  func byHand() async throws {
    try await withTwo({ unary, context in
      try await Task { try await unary([], options: CallOptions(parent: context)) }.value
    }) { route in
      let answer = try await route.unary([], options: CallOptions(timeout: .seconds(500)))
      #expect((400..<500).contains(try #require(seconds(answer))))
    }
  }

  // Spec: W73 (RST_STREAM: the handler is cancelled, and what it waits for)
  @Test("When its client gives up, the calls that a handler has made are given up")
  func cancellation() async throws {
    let (cancelled, note) = AsyncStream<Void>.makeStream()
    let begun = Signal()
    let hang = ServerMethod.unary(Route.unary) { _, _ in
      begun.fire()
      await Signal().wait()
      note.yield()
      return []
    }
    try await Route.run([hang]) { back in
      let unary = back.unary
      let front = ServerMethod.unary(Route.unary) { _, _ in
        async let first = unary([])
        async let second = unary([])
        async let third = unary([])
        return try await first + second + third
      }
      try await Route.run([front]) { route in
        let call = Task { try await route.unary([]) }
        await begun.wait()
        call.cancel()
        var count = 0
        for await _ in cancelled {
          count += 1
          if count == 3 { break }
        }
        await #expect(throws: (any Error).self) { try await call.value }
      }
    }
  }
}
