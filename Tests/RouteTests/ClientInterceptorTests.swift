import Testing

import Tern

@Suite("Client interceptors", .timeLimit(.minutes(1)))
struct ClientInterceptorTests {
  private func run(
    _ interceptors: [any ClientInterceptor], methods: [ServerMethod] = echoes,
    _ body: (Route) async throws -> Void
  ) async throws {
    var options = ChannelOptions()
    options.interceptors = interceptors
    try await Route.run(methods, channelOptions: options, body)
  }

  @Test(
    "They run from the outermost to the server and back, whatever the kind of the call",
    arguments: CallKind.all)
  func order(kind: CallKind) async throws {
    let steps = Shared<[String]>([])
    let named = { (name: String) in
      ClientStep { _, next in
        await steps.update { $0.append(name) }
        try await next()
        await steps.update { $0.append("/\(name)") }
      }
    }
    var options = CallOptions()
    options.interceptors = [named("c")]

    try await run([named("a"), named("b")]) { route in
      let responses = try await route.echo(kind, [[1]], options: options)
      #expect(responses == [[1]])
    }

    #expect(await steps.value == ["a", "b", "c", "/c", "/b", "/a"])
  }

  @Test(
    "The server gets the metadata, and the interceptor sees the server's", arguments: CallKind.all)
  func metadata(kind: CallKind) async throws {
    let answer = ServerStep { call, next in
      try call.addInitialMetadata(["first": call.metadata.first("added") ?? "nothing"])
      try call.addTrailingMetadata(["last": call.metadata.first("user") ?? "nobody"])
      try await next()
    }
    let seen = Shared<[String?]>([])
    let add = ClientStep { call, next in
      call.metadata.append("added", "yes")
      try await next()
      let values = [call.initialMetadata.first("first"), call.trailingMetadata.first("last")]
      await seen.update { $0 = values }
    }
    var serverOptions = ServerOptions()
    serverOptions.interceptors = [answer]
    var options = ChannelOptions()
    options.interceptors = [add]

    try await Route.run(echoes, options: serverOptions, channelOptions: options) { route in
      _ = try await route.echo(kind, [[1]], options: CallOptions(metadata: ["user": "ada"]))
    }

    #expect(await seen.value == ["yes", "ada"])
  }

  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  @Test("Metadata that must not travel fails the call, with the name", arguments: CallKind.all)
  func reserved(kind: CallKind) async throws {
    let add = ClientStep { call, next in
      call.metadata.append("grpc-status", "0")
      try await next()
    }
    try await run([add]) { route in
      let error = await expectError(.internal) { _ = try await route.echo(kind, [[1]]) }
      #expect(error?.message.contains("grpc-status") == true)
    }
  }

  @Test("They see each message that passes, with its length", arguments: CallKind.all)
  func messages(kind: CallKind) async throws {
    let seen = Seen()
    let watch = ClientStep { call, next in
      call.onRequest { seen.note("out", $0) }
      call.onResponse { seen.note("in", $0) }
      try await next()
    }
    try await run([watch]) { route in
      let requests: [[UInt8]] = kind.hasRequestStream ? [[1], [2, 3]] : [[1]]
      let responses = try await route.echo(kind, requests)

      #expect(seen.lengths("out") == requests.map(\.count))
      #expect(seen.lengths("in") == responses.map(\.count))
    }
  }

  @Test("A request that an interceptor refuses does not leave", arguments: CallKind.all)
  func refusedRequest(kind: CallKind) async throws {
    let validate = ClientStep { call, next in
      call.onRequest { message in
        if message.value as? [UInt8] == [13] { throw RPCError(.invalidArgument, "Not lucky.") }
      }
      try await next()
    }
    try await run([validate]) { route in
      let error = await expectError(.invalidArgument) { _ = try await route.echo(kind, [[13]]) }
      #expect(error?.message == "Not lucky.")
      let responses = try await route.echo(kind, [[12]])
      #expect(responses == [[12]])
    }
  }

  @Test("A response that an interceptor refuses does not reach the caller", arguments: CallKind.all)
  func refusedResponse(kind: CallKind) async throws {
    let validate = ClientStep { call, next in
      call.onResponse { _ in throw RPCError(.dataLoss, "Not this one.") }
      try await next()
    }
    try await run([validate]) { route in
      await expectError(.dataLoss) { _ = try await route.echo(kind, [[1]]) }
    }
  }

  // MARK: Instead of the server

  @Test(
    "What it throws before 'next' is the caller's, and nothing is sent", arguments: CallKind.all)
  func refusedCall(kind: CallKind) async throws {
    struct NoToken: Error {}
    let calls = Counter()
    let count = ServerStep { _, next in
      calls.add()
      try await next()
    }
    let refuse = ClientStep { _, _ in throw NoToken() }
    var options = ServerOptions()
    options.interceptors = [count]
    var channelOptions = ChannelOptions()
    channelOptions.interceptors = [refuse]
    try await Route.run(echoes, options: options, channelOptions: channelOptions) { route in
      let error = await expectError(.internal) { _ = try await route.echo(kind, [[1]]) }
      #expect(error?.cause is NoToken)
      #expect(error?.origin == .caller)
    }
    #expect(calls.value == 0)
  }

  @Test("It may answer in place of the server", arguments: CallKind.all)
  func answered(kind: CallKind) async throws {
    let answer = ClientStep { call, _ in call.respond(withEncoded: [42]) }
    try await run([answer]) { route in
      let responses = try await route.echo(kind, [[1]])
      #expect(responses == [[42]])
    }
  }

  @Test("It may answer when the server has failed", arguments: CallKind.all)
  func fallback(kind: CallKind) async throws {
    let answer = ClientStep { call, next in
      do {
        try await next()
      } catch let error as RPCError where error.code == .unimplemented {
        call.respond(withEncoded: [42])
      }
    }
    try await run([answer], methods: []) { route in
      let responses = try await route.echo(kind, [[1]])
      #expect(responses == [[42]])
    }
  }

  @Test("One that neither goes on nor answers is told so, by its name")
  func silent() async throws {
    try await run([ClientStep { _, _ in }]) { route in
      let error = await expectError(.internal) { _ = try await route.unary([1]) }
      #expect(error?.message.contains("ClientStep has neither called 'next'") == true)
      let responses = try await route.echo(.serverStreaming, [[1]])
      #expect(responses == [])
    }
  }

  // MARK: The outcome

  @Test("It may make something else of the server's status", arguments: CallKind.all)
  func mapped(kind: CallKind) async throws {
    let map = ClientStep { _, next in
      do {
        try await next()
      } catch let error as RPCError {
        throw RPCError(.notFound, "Instead of \(error.code)")
      }
    }
    try await run([map], methods: []) { route in
      let error = await expectError(.notFound) { _ = try await route.echo(kind, [[1]]) }
      #expect(error?.message == "Instead of UNIMPLEMENTED")
    }
  }

  private actor Tally: ClientInterceptor {
    var methods: [String] = []

    func intercept(_ call: ClientCall, next: Next) async throws {
      try await next()
      methods.append(call.method.method)
    }
  }

  @Test("It may be an actor", arguments: CallKind.all)
  func actor(kind: CallKind) async throws {
    let tally = Tally()
    try await run([tally, tally]) { route in
      let responses = try await route.echo(kind, [[1]])
      #expect(responses == [[1]])
    }
    #expect(await tally.methods == [kind.routeName, kind.routeName])
  }

  // MARK: Deadlines and giving up

  // Spec: W20 (the deadline covers connecting and queueing)
  @Test("The deadline counts while an interceptor thinks, and ends it", arguments: CallKind.all)
  func deadline(kind: CallKind) async throws {
    let clock = ManualClock()
    let (begun, cancelled) = (Signal(), Signal())
    let think = ClientStep { _, next in
      begun.fire()
      await Signal().wait()
      cancelled.fire()
      try await next()
    }
    var options = ChannelOptions()
    options.interceptors = [think]
    try await Route.run(
      echoes, channelOptions: options, group: EventLoopGroup(loopCount: 1, clock: clock)
    ) { route in
      await expectError(.deadlineExceeded) {
        async let call = route.echo(
          kind, [[1]], options: CallOptions(timeout: .milliseconds(200)))
        await begun.wait()
        await clock.advance(by: .milliseconds(200))
        _ = try await call
      }
      await cancelled.wait()
    }
  }

  @Test("A timeout that an interceptor sets counts from the beginning of the call")
  func newTimeout() async throws {
    let clock = ManualClock()
    let limit = ClientStep { call, next in
      call.options.timeout = .seconds(500)
      try await next()
    }
    let remaining = ServerMethod.unary(Route.unary) { _, context in
      Array("\(context.timeRemaining?.components.seconds ?? 0)".utf8)
    }
    var options = ChannelOptions()
    options.interceptors = [limit]
    try await Route.run(
      [remaining], channelOptions: options, group: EventLoopGroup(loopCount: 1, clock: clock)
    ) { route in
      let seconds = try await route.unary([])
      #expect(seconds == Array("500".utf8))
    }
  }

  @Test(
    "A caller who gives up is let go at once, and the interceptor is cancelled",
    arguments: CallKind.all)
  func givenUp(kind: CallKind) async throws {
    let (begun, cancelled) = (Signal(), Signal())
    let think = ClientStep { _, _ in
      begun.fire()
      await Signal().wait()
      cancelled.fire()
    }
    try await run([think]) { route in
      let task = Task { try await route.echo(kind, [[1]]) }
      await begun.wait()
      task.cancel()
      let result = await task.result
      await cancelled.wait()

      #expect(throws: RPCError.self) { try result.get() }
    }
  }

  @TaskLocal private static var trace = "none"

  @Test("An interceptor sees the caller's task-local values", arguments: CallKind.all)
  func taskLocals(kind: CallKind) async throws {
    let seen = Shared("")
    let look = ClientStep { _, next in
      let trace = Self.trace
      await seen.update { $0 = trace }
      try await next()
    }
    try await run([look]) { route in
      _ = try await Self.$trace.withValue("abc") { try await route.echo(kind, [[1]]) }
    }
    #expect(await seen.value == "abc")
  }
}
