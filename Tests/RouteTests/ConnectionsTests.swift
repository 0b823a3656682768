import Testing

import Tern
import TernEventLoop

/// How many connections a channel makes, told by the ports that the server sees.
@Suite("Connections of a channel", .timeLimit(.minutes(1)))
struct ConnectionsTests {
  private static let loops = 3
  private static let port = ServerMethod.unary(Route.unary) { _, context in
    Array("\(context.peer.port ?? 0)".utf8)
  }

  private func run(
    _ connections: ChannelOptions.Connections, _ methods: [ServerMethod] = [Self.port],
    _ body: (Route, EventLoopGroup) async throws -> Void
  ) async throws {
    let group = EventLoopGroup(loopCount: Self.loops)
    var options = ChannelOptions()
    options.connections = connections
    try await Route.run(methods, channelOptions: options, group: group) { route in
      try await body(route, group)
    }
  }

  @Test("Calls from all loops share the one connection of most channels")
  func one() async throws {
    try await run(.one) { route, group in
      var ports: Set<[UInt8]> = []
      for loop in group.loops {
        ports.insert(
          try await withTaskExecutorPreference(loop) { try await route.unary([]) })
      }
      #expect(ports.count == 1)
    }
  }

  @Test("Each loop has its own connection, and its calls stay on it")
  func perLoop() async throws {
    try await run(.perLoop) { route, group in
      var ports: Set<[UInt8]> = []
      for loop in group.loops {
        let own = try await withTaskExecutorPreference(loop) {
          var own: Set<[UInt8]> = []
          for _ in 0..<5 { own.insert(try await route.unary([])) }
          return own
        }
        #expect(own.count == 1)
        ports.formUnion(own)
      }
      #expect(ports.count == Self.loops)
    }
  }

  @Test("Calls from elsewhere go to the loops in turns")
  func turns() async throws {
    try await run(.perLoop) { route, _ in
      var ports: [[UInt8]] = []
      for _ in 0..<2 * Self.loops { ports.append(try await route.unary([])) }
      #expect(Set(ports).count == Self.loops)
      #expect(ports[..<Self.loops] == ports[Self.loops...])
    }
  }

  @Test("A call that a handler makes stays on the handler's loop")
  func fromHandler() async throws {
    let outer = RPCMethod<[UInt8], [UInt8]>(
      MethodDescriptor(service: "test.Route", method: "Outer", kind: .unary),
      requestCodec: .bytes, responseCodec: .bytes)
    let channels = Shared<[GRPCChannel]>([])
    let calling = ServerMethod.unary(outer) { request, _ in
      guard let channel = await channels.value.first else { throw RPCError(.internal, "none") }
      return try await UnaryCallable(channel, Route.unary)(request)
    }
    try await run(.perLoop, [Self.port, calling]) { route, group in
      let channel = route.channel
      await channels.update { $0 = [channel] }
      // One connection of the caller's, so that the handler is always on the same loop.
      let caller = try GRPCChannel("127.0.0.1:\(route.port)", credentials: .insecure, group: group)
      defer { caller.close() }
      var ports: Set<[UInt8]> = []
      for _ in 0..<2 * Self.loops { ports.insert(try await UnaryCallable(caller, outer)([])) }
      #expect(ports.count == 1)
      await channels.update { $0 = [] }
    }
  }

  @Test("A channel that closes closes all of them")
  func close() async throws {
    try await run(.perLoop) { route, group in
      for _ in 0..<Self.loops { _ = try await route.unary([]) }
      route.channel.close()
      for loop in group.loops {
        await expectError(.unavailable) {
          _ = try await withTaskExecutorPreference(loop) { try await route.unary([]) }
        }
      }
    }
  }
}
