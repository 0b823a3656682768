import Synchronization
import Testing

import Tern

/// Handlers that do odd things, and what becomes of their calls and of the others.
@Suite("Handlers", .timeLimit(.minutes(4)))
struct HandlerTests {
  // Spec: W84 (the connection's window is refilled on receipt)
  @Test("A handler that never reads its requests holds nobody up")
  func neverReads() async throws {
    let ignore = ServerMethod.clientStreaming(Route.clientStream) { _, _ in [1] }
    let request = [UInt8](repeating: 7, count: 230_000)

    try await Route.run([ignore, .echo]) { route in
      for _ in 0..<20 {
        try await withThrowingTaskGroup { calls in
          for _ in 0..<50 {
            calls.addTask { try await route.clientStream([request]) == [1] }
          }
          for try await isAnswered in calls { #expect(isAnswered) }
        }
      }
      #expect(try await route.unary([2]) == [2])
    }
  }

  // Spec: W65 (PROTOCOL-HTTP2: a server that ends early)
  @Test("A handler that answers early ends its client's writing, and the answer counts")
  func answersEarly() async throws {
    let early = ServerMethod.clientStreaming(Route.clientStream) { requests, _ in
      for try await request in requests { return request }
      return []
    }

    try await Route.run([early]) { route in
      let answer = try await route.clientStream { requests in
        var number: UInt8 = 0
        while true {
          try await requests.send([number] + [UInt8](repeating: 0, count: 10_000))
          number &+= 1
        }
      }
      #expect(answer.first == 0)
    }
  }

  // Spec: W75 (who generates which status)
  @Test("An RPCError becomes the status, with its metadata and details")
  func rpcError() async throws {
    let fail = ServerMethod.unary(Route.unary) { _, _ in
      throw RPCError(
        .notFound, "No user 7: ünknown.", metadata: ["reason": "gone"], detailsBytes: [8, 5])
    }

    try await Route.run([fail]) { route in
      let error = await expectError(.notFound) { _ = try await route.unary([]) }
      #expect(error?.message == "No user 7: ünknown.")
      #expect(error?.metadata["reason"] == ["gone"])
      #expect(error?.detailsBytes == [8, 5])
      #expect(error?.origin == .peer)
    }
  }

  // Spec: W75 (an unknown error: UNKNOWN, no leak of internals)
  @Test("Any other error becomes UNKNOWN; its text goes to the log and not to the client")
  func otherError() async throws {
    struct Secret: Error { let password = "hunter2" }
    let log = LogKeeper()
    var options = ServerOptions()
    options.logger = log.logger
    let fail = ServerMethod.unary(Route.unary) { _, _ in throw Secret() }

    try await Route.run([fail], options: options) { route in
      let error = await expectError(.unknown) { _ = try await route.unary([]) }
      #expect(error?.message.contains("hunter2") == false)
      #expect(await log.line(containing: "hunter2")?.contains("/test.Route/Unary") == true)
    }
  }

  // Spec: W75 (who generates which status: cancellation)
  @Test("A handler that throws CancellationError ends its call with CANCELLED")
  func cancellationError() async throws {
    let fail = ServerMethod.unary(Route.unary) { _, _ in throw CancellationError() }

    try await Route.run([fail]) { route in
      let error = await expectError(.cancelled) { _ = try await route.unary([]) }
      #expect(error?.origin == .peer)
    }
  }

  private static func metadata(bytes: Int) -> Metadata {
    var metadata = Metadata()
    for number in 0..<(bytes / 1_000) {
      metadata.append("field-\(number)", String(repeating: "x", count: 1_000))
    }
    return metadata
  }

  // Spec: W30 (grpc-go: nothing is sent above the limit of the other side)
  // Spec: W32 (nghttp2 sends no header block above 64 KiB)
  @Test(
    "Metadata above the server's limit fails its call before it leaves, and the connection goes on",
    arguments: [20_000, 200_000])
  func tooMuchMetadata(bytes: Int) async throws {
    let options = CallOptions(metadata: Self.metadata(bytes: bytes))

    try await Route.run([.echo]) { route in
      let error = await expectError(.internal) {
        _ = try await route.unary([], options: options)
      }
      #expect(error?.message.contains("accepts 8192") == true, "\(error?.message ?? "")")
      #expect(error?.message.contains("maxHeaderListBytes") == true, "\(error?.message ?? "")")
      let answer = try await route.unary([1], options: CallOptions(metadata: ["small": "x"]))
      #expect(answer == [1])
    }
  }

  // Spec: W30 (grpc-go: nothing is sent above the limit of the other side)
  // Spec: W32 (nghttp2 sends no header block above 64 KiB)
  @Test(
    "Metadata of a response above the client's limit fails the call, and the connection goes on",
    arguments: [20_000, 200_000])
  func tooMuchResponseMetadata(bytes: Int) async throws {
    let metadata = Self.metadata(bytes: bytes)
    // The first byte of the request says which metadata is too much.
    let wordy = ServerMethod.unary(Route.unary) { request, context in
      switch request.first {
      case 1: try context.setInitialMetadata(metadata)
      case 2: try context.setTrailingMetadata(metadata)
      case 3: throw RPCError(.notFound, "No.", metadata: metadata)
      default: break
      }
      return request
    }

    try await Route.run([wordy]) { route in
      for kind: UInt8 in [1, 2, 3] {
        let error = await expectError(.internal) { _ = try await route.unary([kind]) }
        #expect(error?.message.contains("the client accepts 8192") == true, "\(error as Any)")
        let answer = try await route.unary([0])
        #expect(answer == [0])
      }
    }
  }

  @Test("A handler that loops over Task.yield keeps nobody else from being served")
  func yields() async throws {
    let isEnough = Counter()
    let spin = ServerMethod.clientStreaming(Route.clientStream) { _, _ in
      while isEnough.value == 0 { await Task.yield() }
      return [1]
    }
    let group = EventLoopGroup(loopCount: 1)

    try await Route.run([spin, .echo], group: group) { route in
      async let spun = route.clientStream([[0]])
      for number in 0..<100 { #expect(try await route.unary([UInt8(number)]) == [UInt8(number)]) }
      isEnough.add()
      let outcome = try await spun
      #expect(outcome == [1])
    }
  }

  @MainActor private static func sendFromMain(
    _ responses: ResponseWriter<[UInt8]>, _ number: UInt8
  ) async throws {
    try await responses.send([number])
  }

  @Test("What a handler sends from wherever arrives in order")
  func sendsFromElsewhere() async throws {
    let elsewhere = ServerMethod.serverStreaming(Route.serverStream) { _, responses, _ in
      for round in 0..<50 {
        let number = UInt8(round * 4)
        try await responses.send([number])
        try await Self.sendFromMain(responses, number + 1)
        try await Task.detached { try await responses.send([number + 2]) }.value
        async let last: Void = responses.send([number + 3])
        try await last
      }
    }

    try await Route.run([elsewhere]) { route in
      var received: [UInt8] = []
      for try await message in route.serverStream([]) { received += message }
      #expect(received == Array(0..<200))
    }
  }

  @Test("A handler that blocks its thread in the pool holds up no other call of its connection")
  func blocksInPool() async throws {
    let gate = Gate()
    var options = ServerOptions()
    options.methods["test.Route/ClientStream"] = .init(handlerExecution: .concurrentPool)
    let block = ServerMethod.clientStreaming(Route.clientStream) { _, _ in
      gate.wait()
      return [1]
    }

    try await Route.run(
      [block, .echo], options: options, group: EventLoopGroup(loopCount: 1)
    ) { route in
      async let blocked = route.clientStream([])
      for number in 0..<100 { #expect(try await route.unary([UInt8(number)]) == [UInt8(number)]) }
      gate.open()
      let outcome = try await blocked
      #expect(outcome == [1])
    }
  }

  @Test("The log names a handler that keeps its loop for long, once a minute")
  func watchdog() async throws {
    let clock = ManualClock()
    let log = LogKeeper()
    var options = ServerOptions()
    options.logger = log.logger
    // The turn's length is measured by the loop's clock, so moving it is as good as blocking.
    let slow = ServerMethod.unary(Route.unary) { request, _ in
      clock.move(by: .milliseconds(200))
      return request
    }

    try await Route.run(
      [slow], options: options, group: EventLoopGroup(loopCount: 1, clock: clock)
    ) { route in
      _ = try await route.unary([1])
      let line = await log.line(containing: "kept its event loop")
      #expect(line?.contains("/test.Route/Unary") == true, "\(line ?? "no line")")
      #expect(line?.contains("concurrentPool") == true)
    }
  }

  @Test("Handles that are kept beyond their call reach no other call")
  func keptHandles() async throws {
    struct Kept: Sendable {
      var writer: ResponseWriter<[UInt8]>?
      var requests: RequestStream<[UInt8]>?
      var context: ServerContext?
    }
    let kept = Shared(Kept())
    let keep = ServerMethod.bidirectional(Route.method("Keep", .bidirectional)) {
      requests, responses, context in
      await kept.update { $0 = Kept(writer: responses, requests: requests, context: context) }
    }
    let keepCall = Route.method("Keep", .bidirectional)

    try await Route.run([keep, .echoStream, .echo]) { route in
      for try await _ in BidirectionalCallable(route.channel, keepCall)([[1], [2]]) {}
      let handles = await kept.value

      for number in 0..<10_000 {
        let message = [UInt8(truncatingIfNeeded: number)]
        async let call = collect(route.bidi([message, message]))
        await expectOver { try await handles.writer?.send([99]) }
        await expectOver {
          for try await request in handles.requests! { Issue.record("read \(request)") }
        }
        let answers = try await call
        #expect(answers == [message, message])
      }
      #expect(handles.context?.method.method == "Keep")
    }
  }

  private func collect(_ stream: ResponseStream<[UInt8]>) async throws -> [[UInt8]] {
    var messages: [[UInt8]] = []
    for try await message in stream { messages.append(message) }
    return messages
  }

  private func expectOver(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
  ) async {
    do {
      try await body()
      Issue.record("A call that is over did something.", sourceLocation: sourceLocation)
    } catch {
      #expect((error as? RPCError)?.message.contains("The call is over") == true, "\(error)")
    }
  }
}

/// Blocks a thread until the test opens it.
final class Gate: Sendable {
  private let opened = Atomic<Bool>(false)

  func open() { opened.store(true, ordering: .releasing) }

  /// Spins on purpose: the thread is not to be given back.
  func wait() { while !opened.load(ordering: .acquiring) {} }
}
