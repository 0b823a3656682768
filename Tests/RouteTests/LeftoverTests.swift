import Testing

import Tern

/// What is left when connections and calls have come and gone: nothing.
@Suite("Leftovers", .timeLimit(.minutes(4)))
struct LeftoverTests {
  @Test("Ten thousand connections that come and go leave none behind")
  func connections() async throws {
    let group = EventLoopGroup(loopCount: 2)
    let clients = EventLoopGroup(loopCount: 1)

    try await Route.run([.echo], group: group) { route in
      for _ in 0..<200 {
        try await withThrowingTaskGroup { calls in
          for _ in 0..<50 {
            calls.addTask {
              let channel = try GRPCChannel(
                "127.0.0.1:\(route.port)", credentials: .insecure, group: clients)
              defer { channel.close() }
              return try await UnaryCallable(channel, Route.unary)([7])
            }
          }
          for try await answer in calls { #expect(answer == [7]) }
        }
      }
    }

    await expectNoConnections(on: group)
    await expectNoConnections(on: clients)
  }

  @Test("A hundred thousand cancelled calls leave no handler or connection behind")
  func cancelledCalls() async throws {
    let group = EventLoopGroup(loopCount: 1)
    let begun = Counter()
    let ended = Counter()
    let hang = ServerMethod.unary(Route.unary) { request, _ in
      begun.add()
      await Signal().wait()
      ended.add()
      return request
    }

    try await Route.run([hang, .echoStream], group: group) { route in
      for _ in 0..<1_000 {
        await withTaskGroup { calls in
          for _ in 0..<100 {
            calls.addTask {
              let call = Task { try await route.unary([1]) }
              await Task.yield()
              call.cancel()
              // Nearly all are CANCELLED. nghttp2 takes very many resets for an attack and ends the
              // connection; what was under way on it is UNAVAILABLE.
              let result = await call.result
              #expect(throws: RPCError.self) { try result.get() }
            }
          }
        }
      }
    }

    await expectNoConnections(on: group)
    while ended.value < begun.value { await Task.yield() }
    let answered = try await Route.run([.echo], group: group) { try await $0.unary([3]) }
    #expect(answered == [3])
  }

  /// Closing is a turn of the loop away.
  private func expectNoConnections(on group: EventLoopGroup) async {
    for loop in group.loops {
      while loop.connectionCount > 0 { await Task.yield() }
      #expect(loop.connectionCount == 0)
    }
  }
}
