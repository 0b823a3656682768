import Tern
import TernCore
import TernEventLoop
import TernTesting
import Testing

@Suite("In-process channel", .timeLimit(.minutes(1)))
struct InProcessTests {
  static func method(_ name: String, _ kind: CallKind) -> RPCMethod<[UInt8], [UInt8]> {
    RPCMethod(
      MethodDescriptor(service: "test.InProcess", method: name, kind: kind),
      requestCodec: .bytes, responseCodec: .bytes)
  }

  static let unary = method("Unary", .unary)
  static let serverStream = method("ServerStream", .serverStreaming)
  static let clientStream = method("ClientStream", .clientStreaming)
  static let bidi = method("Bidi", .bidirectional)

  struct Service: RPCService { let serverMethods: [ServerMethod] }

  static let echoes = Service(serverMethods: [
    .unary(unary) { request, _ in request },
    .serverStreaming(serverStream) { request, responses, _ in
      for byte in request { try await responses.send([byte]) }
    },
    .clientStreaming(clientStream) { requests, _ in
      var all: [UInt8] = []
      for try await request in requests { all += request }
      return all
    },
    .bidirectional(bidi) { requests, responses, _ in
      for try await request in requests { try await responses.send(request) }
    },
  ])

  @Test("All four kinds of call work without a socket")
  func allKinds() async throws {
    let server = GRPCServer(services: [Self.echoes])
    let channel = server.inProcessChannel()

    #expect(try await UnaryCallable(channel, Self.unary)([1, 2]) == [1, 2])
    var streamed: [[UInt8]] = []
    for try await response in ServerStreamingCallable(channel, Self.serverStream)([3, 4]) {
      streamed.append(response)
    }
    #expect(streamed == [[3], [4]])
    #expect(try await ClientStreamingCallable(channel, Self.clientStream)([[5], [6]]) == [5, 6])
    var echoed: [[UInt8]] = []
    for try await response in BidirectionalCallable(channel, Self.bidi)([[7], [8]]) {
      echoed.append(response)
    }
    #expect(echoed == [[7], [8]])

    channel.close()
    await server.shutDown(within: .seconds(1))
  }

  @Test("Messages longer than the pair in memory come through, both ways at once")
  func longMessages() async throws {
    let server = GRPCServer(services: [Self.echoes])
    let channel = server.inProcessChannel()
    let message = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 &* 167 >> 3) }

    async let first = UnaryCallable(channel, Self.unary)(message)
    async let second = UnaryCallable(channel, Self.unary)(message.reversed())
    let (one, two) = try await (first, second)

    #expect(one == message)
    #expect(two == message.reversed())
    channel.close()
    await server.shutDown(within: .seconds(1))
  }

  @Test("Several channels reach one server, also one that listens as well")
  func severalChannels() async throws {
    let server = GRPCServer(services: [Self.echoes])
    let address = try await server.start(on: .tcp("127.0.0.1", 0), credentials: .insecure)
    let overSocket = try GRPCChannel("\(address)", credentials: .insecure)
    let channels = [server.inProcessChannel(), server.inProcessChannel(), overSocket]

    for channel in channels {
      #expect(try await UnaryCallable(channel, Self.unary)([1]) == [1])
      channel.close()
    }
    await server.shutDown(within: .seconds(1))
  }

  @Test("A deadline passes when the test's clock does, and not before")
  func deadline() async throws {
    let clock = ManualClock()
    let group = EventLoopGroup(loopCount: 1, clock: clock)
    let (begun, begin) = AsyncStream<Void>.makeStream()
    let (endings, end) = AsyncStream<Bool>.makeStream()
    let slow = Service(serverMethods: [
      .unary(Self.unary) { _, context in
        begin.yield()
        // Until it is cancelled, as it is when the deadline passes.
        for await _ in AsyncStream<Never>.makeStream().stream {}
        end.yield(context.isCancelled)
        return []
      }
    ])
    let server = GRPCServer(services: [slow], group: group)
    let channel = server.inProcessChannel()

    let call = Task {
      try await UnaryCallable(channel, Self.unary)(
        [], options: CallOptions(timeout: .seconds(600)))
    }
    for await _ in begun { break }
    await clock.advance(by: .seconds(599))
    await clock.advance(by: .seconds(2))

    let error = await #expect(throws: RPCError.self) { try await call.value }
    #expect(error?.code == .deadlineExceeded)
    for await wasCancelled in endings {
      #expect(wasCancelled)
      break
    }
    channel.close()
    await server.shutDown(within: .seconds(1))
  }

  @Test("Errors, metadata and credentials travel as they do elsewhere")
  func metadata() async throws {
    let failing = Service(serverMethods: [
      .unary(Self.unary) { _, context in
        try context.setTrailingMetadata(["seen": context.metadata.first("authorization") ?? ""])
        throw RPCError(.notFound, "There is no such thing.")
      }
    ])
    let server = GRPCServer(services: [failing])
    let channel = server.inProcessChannel(callCredentials: .bearer("a"))

    let error = await #expect(throws: RPCError.self) {
      try await UnaryCallable(channel, Self.unary)([])
    }

    #expect(error?.code == .notFound)
    #expect(error?.message == "There is no such thing.")
    #expect(error?.metadata.first("seen") == "Bearer a")
    channel.close()
    await server.shutDown(within: .seconds(1))
  }

  @Test("A server that has ended is UNAVAILABLE")
  func endedServer() async throws {
    let server = GRPCServer(services: [Self.echoes])
    let channel = server.inProcessChannel()
    #expect(try await UnaryCallable(channel, Self.unary)([1]) == [1])
    await server.shutDown(within: .seconds(1))

    let error = await #expect(throws: RPCError.self) {
      try await UnaryCallable(channel, Self.unary)([1])
    }

    #expect(error?.code == .unavailable)
    channel.close()
  }
}
