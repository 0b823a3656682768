import Testing

import Tern

@Suite("Server interceptors", .timeLimit(.minutes(1)))
struct ServerInterceptorTests {
  private func run(
    _ interceptors: [any ServerInterceptor], methods: [ServerMethod] = echoes,
    _ body: (Route) async throws -> Void
  ) async throws {
    var options = ServerOptions()
    options.interceptors = interceptors
    try await Route.run(methods, options: options, body)
  }

  @Test(
    "They run from the outermost to the handler and back, whatever the kind of the call",
    arguments: CallKind.all)
  func order(kind: CallKind) async throws {
    let steps = Shared<[String]>([])
    let named = { (name: String) in
      ServerStep { _, next in
        await steps.update { $0.append(name) }
        try await next()
        await steps.update { $0.append("/\(name)") }
      }
    }
    var options = ServerOptions()
    options.interceptors = [named("a"), named("b")]
    options.methods["test.Route"] = .init(interceptors: [named("c")])
    options.methods["test.Route/\(kind.routeName)"] = .init(interceptors: [named("d")])

    try await Route.run(echoes, options: options) { route in
      let responses = try await route.echo(kind, [[1]])
      #expect(responses == [[1]])
    }

    #expect(await steps.value == ["a", "b", "c", "d", "/d", "/c", "/b", "/a"])
  }

  @Test("The handler sees the metadata that an interceptor has made of the request's")
  func requestMetadata() async throws {
    let method = ServerMethod.unary(Route.unary) { _, context in
      Array(context.metadata.map { "\($0.name)" }.sorted().joined(separator: " ").utf8)
    }
    let hide = ServerStep { call, next in
      var metadata = call.metadata
      metadata.removeAll("secret")
      metadata.append("added", "yes")
      call.metadata = metadata
      try await next()
    }

    try await run([hide], methods: [method]) { route in
      let names = try await route.unary(
        [], options: CallOptions(metadata: ["secret": "x", "user": "ada"]))

      #expect(String(decoding: names, as: UTF8.self) == "added user")
    }
  }

  @Test(
    "What they add to the response's metadata stands beside the handler's",
    arguments: [true, false])
  func responseMetadata(fails: Bool) async throws {
    let method = ServerMethod.unary(Route.unary) { request, context in
      try context.setInitialMetadata(["of-handler": "1"])
      try context.setTrailingMetadata(["of-handler": "2"])
      if fails { throw RPCError(.aborted, "no", metadata: ["of-error": "3"]) }
      return request
    }
    let add = ServerStep { call, next in
      try call.addInitialMetadata(["of-interceptor": "4"])
      defer { try? call.addTrailingMetadata(["of-interceptor": "5"]) }
      try await next()
    }

    try await run([add], methods: [method]) { route in
      if fails {
        let error = await expectError(.aborted) { _ = try await route.unary([]) }
        #expect(error?.initialMetadata.first("of-handler") == "1")
        #expect(error?.initialMetadata.first("of-interceptor") == "4")
        #expect(error?.metadata.first("of-handler") == "2")
        #expect(error?.metadata.first("of-interceptor") == "5")
        #expect(error?.metadata.first("of-error") == "3")
      } else {
        let response = try await route.unary.withCall([])
        #expect(response.initialMetadata.first("of-handler") == "1")
        #expect(response.initialMetadata.first("of-interceptor") == "4")
        #expect(response.trailingMetadata.first("of-handler") == "2")
        #expect(response.trailingMetadata.first("of-interceptor") == "5")
      }
    }
  }

  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  @Test("What must not travel, or comes too late, is refused where it is added")
  func reserved() async throws {
    let add = ServerStep { call, next in
      #expect(throws: RPCError.self) { try call.addInitialMetadata(["grpc-status": "0"]) }
      #expect(throws: RPCError.self) { try call.addTrailingMetadata(["te": "x"]) }
      try await next()
      #expect(throws: RPCError.self) { try call.addInitialMetadata(["late": "1"]) }
    }
    try await run([add]) { route in
      let response = try await route.unary.withCall([1])
      #expect(response.message == [1])
      #expect(response.initialMetadata.isEmpty)
    }
  }

  @Test("They see each message that passes, with its length", arguments: CallKind.all)
  func messages(kind: CallKind) async throws {
    let seen = Seen()
    let watch = ServerStep { call, next in
      call.onRequest { seen.note("in", $0) }
      call.onResponse { seen.note("out", $0) }
      try await next()
    }
    try await run([watch]) { route in
      let requests: [[UInt8]] = kind.hasRequestStream ? [[1], [2, 3]] : [[1]]
      let responses = try await route.echo(kind, requests)

      #expect(seen.lengths("in") == requests.map(\.count))
      #expect(seen.lengths("out") == responses.map(\.count))
    }
  }

  @Test("A message that an interceptor refuses does not reach the handler", arguments: CallKind.all)
  func refusedMessage(kind: CallKind) async throws {
    let validate = ServerStep { call, next in
      call.onRequest { message in
        if message.value as? [UInt8] == [13] {
          throw RPCError(.invalidArgument, "13 is not lucky.")
        }
      }
      try await next()
    }
    try await run([validate]) { route in
      let error = await expectError(.invalidArgument) { _ = try await route.echo(kind, [[13]]) }
      #expect(error?.message == "13 is not lucky.")
      let responses = try await route.echo(kind, [[12]])
      #expect(responses == [[12]])
    }
  }

  @Test("A response that an interceptor refuses is not sent")
  func refusedResponse() async throws {
    let validate = ServerStep { call, next in
      call.onResponse { _ in throw RPCError(.dataLoss, "Not this one.") }
      try await next()
    }
    try await run([validate]) { route in
      await expectError(.dataLoss) { _ = try await route.unary([1]) }
      var count = 0
      await expectError(.dataLoss) {
        for try await _ in route.serverStream([1]) { count += 1 }
      }
      #expect(count == 0)
    }
  }

  // MARK: Instead of the handler

  @Test("What it throws before 'next' is the status, and no handler runs", arguments: CallKind.all)
  func refusedCall(kind: CallKind) async throws {
    let refuse = ServerStep { call, _ in
      throw RPCError(.permissionDenied, "Not you.", metadata: ["why": "because"])
    }
    let unreachable = ServerStep { _, _ in Issue.record("It went on.") }
    try await run([refuse, unreachable]) { route in
      let error = await expectError(.permissionDenied) {
        _ = try await route.echo(kind, [[1]])
      }
      #expect(error?.message == "Not you.")
      #expect(error?.metadata.first("why") == "because")
    }
  }

  @Test("It may answer in place of the handler", arguments: CallKind.all)
  func answered(kind: CallKind) async throws {
    let answer = ServerStep { call, _ in try call.respond(withEncoded: [42]) }
    try await run([answer]) { route in
      let responses = try await route.echo(kind, [[1]])
      #expect(responses == [[42]])
    }
  }

  @Test("One that neither goes on nor answers is told so, by its name")
  func silent() async throws {
    try await run([ServerStep { _, _ in }]) { route in
      let error = await expectError(.internal) { _ = try await route.unary([1]) }
      #expect(error?.message.contains("ServerStep has neither called 'next'") == true)
      let responses = try await route.echo(.serverStreaming, [[1]])
      #expect(responses == [])
    }
  }

  @Test("A second 'next' is refused, and the handler runs once")
  func twice() async throws {
    let runs = Counter()
    let method = ServerMethod.unary(Route.unary) { request, _ in
      runs.add()
      return request
    }
    let again = ServerStep { _, next in
      try await next()
      try await next()
    }
    try await run([again], methods: [method]) { route in
      let error = await expectError(.internal) { _ = try await route.unary([1]) }
      #expect(error?.message.contains("called 'next' twice") == true)
    }
    #expect(runs.value == 1)
  }

  // MARK: The outcome

  @Test("It may make something else of the handler's error")
  func mapped() async throws {
    struct Missing: Error {}
    let method = ServerMethod.unary(Route.unary) { _, _ in throw Missing() }
    let map = ServerStep { _, next in
      do {
        try await next()
      } catch is Missing {
        throw RPCError(.notFound, "It is missing.")
      }
    }
    try await run([map], methods: [method]) { route in
      let error = await expectError(.notFound) { _ = try await route.unary([]) }
      #expect(error?.message == "It is missing.")
    }
  }

  // Spec: W19 (the server's own timer, from receipt)
  @Test("It hears that the deadline has ended the call before the handler did")
  func deadline() async throws {
    let clock = ManualClock()
    let (begun, ended) = (Signal(), Signal())
    let failure = Shared<RPCError?>(nil)
    let method = ServerMethod.unary(Route.unary) { request, _ in
      begun.fire()
      await Signal().wait()
      return request
    }
    let watch = ServerStep { call, next in
      defer { ended.fire() }
      do {
        try await next()
      } catch {
        await failure.update { $0 = call.earlyFailure }
      }
    }
    var options = ServerOptions()
    options.interceptors = [watch]
    try await Route.run(
      [method], options: options, group: EventLoopGroup(loopCount: 1, clock: clock)
    ) { route in
      await expectError(.deadlineExceeded) {
        async let call = route.unary([], options: CallOptions(timeout: .milliseconds(200)))
        await begun.wait()
        await clock.advance(by: .milliseconds(200))
        _ = try await call
      }
      await ended.wait()
    }
    #expect(await failure.value?.code == .deadlineExceeded)
  }

  // Spec: W73 (RST_STREAM on a server: the handler is cancelled at once)
  @Test(
    "A call that is given up while an interceptor is thinking has no handler",
    arguments: [true, false])
  func givenUp(byDeadline: Bool) async throws {
    let (begun, cancelled, refused) = (Signal(), Signal(), Signal())
    let think = ServerStep { call, next in
      if call.metadata.first("think") == nil { return try await next() }
      call.context.onCancel { _ in cancelled.fire() }
      begun.fire()
      await cancelled.wait()
      do {
        try await next()
      } catch {
        refused.fire()
        throw error
      }
    }
    let runs = Counter()
    let method = ServerMethod.unary(Route.unary) { request, _ in
      runs.add()
      return request
    }
    var options = ServerOptions()
    options.interceptors = [think]
    let clock = ManualClock()
    try await Route.run(
      [method], options: options, group: EventLoopGroup(loopCount: 1, clock: clock)
    ) { route in
      let task = Task {
        try await route.unary(
          [1], options: CallOptions(timeout: .milliseconds(200), metadata: ["think": "yes"]))
      }
      await begun.wait()
      if byDeadline { await clock.advance(by: .milliseconds(200)) } else { task.cancel() }
      _ = await task.result
      await refused.wait()
      let response = try await route.unary([2])

      #expect(response == [2])
      #expect(runs.value == 1)
    }
  }

  private actor Tally: ServerInterceptor {
    var methods: [String] = []

    func intercept(_ call: ServerCall, next: Next) async throws {
      try await next()
      methods.append(call.method.method)
    }
  }

  @Test("It may be an actor, and the handler is on its loop all the same", arguments: CallKind.all)
  func actor(kind: CallKind) async throws {
    let tally = Tally()
    try await run([tally, tally]) { route in
      let responses = try await route.echo(kind, [[1]])
      #expect(responses == [[1]])
    }
    #expect(await tally.methods == [kind.routeName, kind.routeName])
  }

  // MARK: Values

  private enum UserKey: ContextKey { typealias Value = String }
  private enum AgeKey: ContextKey { typealias Value = Int }

  @Test(
    "Values that they attach are the handler's, in this call only",
    arguments: [HandlerExecution.onEventLoop, .concurrentPool])
  func values(execution: HandlerExecution) async throws {
    let method = ServerMethod.unary(Route.unary) { _, context in
      Array("\(context[UserKey.self] ?? "nobody") \(context[AgeKey.self] ?? 0)".utf8)
    }
    let attach = ServerStep { call, next in
      if let user = call.metadata.first("user") {
        call[UserKey.self] = "somebody"
        call[UserKey.self] = user
        call[AgeKey.self] = 36
      }
      try await next()
    }
    var options = ServerOptions()
    options.interceptors = [attach]
    options.handlerExecution = execution
    try await Route.run([method], options: options) { route in
      let first = try await route.unary([], options: CallOptions(metadata: ["user": "ada"]))
      let second = try await route.unary([])

      #expect(String(decoding: first, as: UTF8.self) == "ada 36")
      #expect(String(decoding: second, as: UTF8.self) == "nobody 0")
    }
  }

  // MARK: Tokens

  @Test("A token makes its owner known; without one, or with a wrong one, nobody gets in")
  func bearerToken() async throws {
    let method = ServerMethod.unary(Route.unary) { _, context in
      Array((context[UserKey.self] ?? "nobody").utf8)
    }
    let authenticate = BearerTokenInterceptor(UserKey.self) { token, _ in
      if token == "banned" { throw RPCError(.permissionDenied, "Not any more.") }
      return token == "t0ken" ? "ada" : nil
    }
    try await run([authenticate], methods: [method]) { route in
      func user(_ values: String...) async throws -> String {
        var options = CallOptions()
        for value in values { options.metadata.append("authorization", value) }
        return String(decoding: try await route.unary([], options: options), as: UTF8.self)
      }

      for scheme in ["Bearer", "bearer"] {
        let owner = try await user("\(scheme) t0ken")
        #expect(owner == "ada")
      }
      for wrong in [[], ["t0ken"], ["Bearer "], ["Basic t0ken"], ["Bearer other"]] {
        await expectError(.unauthenticated) {
          _ = try await route.unary([], options: CallOptions(authorization: wrong))
        }
      }
      await expectError(.unauthenticated) { _ = try await user("Bearer t0ken", "Bearer t0ken") }
      await expectError(.permissionDenied) { _ = try await user("Bearer banned") }
    }
  }
}
