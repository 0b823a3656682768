import Synchronization
import Testing

import Tern
import TernEventLoop
import TestSupport

/// What a handler hears when nobody waits for its answer any more, and why.
@Suite("Cancelled handlers", .timeLimit(.minutes(1)))
struct CancellationTests {
  /// What a handler has seen of its end.
  struct Seen: Sendable, Equatable {
    var reasons: [CancellationReason] = []
    var reasonInContext: CancellationReason?
    var wasTaskCancelled = false
    var readError: StatusCode?
    var writeError: StatusCode?
  }

  /// How a call is given up, and what its handler has to hear.
  enum End: CaseIterable {
    case resetByClient, clientCancels, deadline, connectionLost, serverStops

    var reason: CancellationReason {
      switch self {
      case .resetByClient, .clientCancels: .peer
      case .deadline: .deadline
      case .connectionLost: .connectionLost
      case .serverStops: .serverStopping
      }
    }

    /// What reading and writing throws from then on.
    var code: StatusCode {
      switch self {
      case .resetByClient, .clientCancels, .connectionLost: .cancelled
      case .deadline: .deadlineExceeded
      case .serverStops: .unavailable
      }
    }
  }

  /// A handler that waits until it is cancelled, and keeps what it has seen.
  private static func waiting(
    begun: Signal, _ seen: AsyncStream<Seen>.Continuation
  ) -> ServerMethod {
    .bidirectional(Route.bidi) { requests, responses, context in
      let reasons = Reasons()
      context.onCancel { reasons.add($0) }
      #expect(context.cancellationReason == nil)
      begun.fire()
      await Signal().wait()
      var result = Seen(reasons: reasons.all, reasonInContext: context.cancellationReason)
      result.wasTaskCancelled = Task.isCancelled
      result.readError = await code { for try await _ in requests {} }
      result.writeError = await code { try await responses.send([1]) }
      seen.yield(result)
    }
  }

  private static func code(_ body: () async throws -> Void) async -> StatusCode? {
    do {
      try await body()
      return nil
    } catch {
      return (error as? RPCError)?.code
    }
  }

  // Spec: W19, W73, W81 (the handler is cancelled at once, whatever ends the call)
  // Spec: W75 (who generates which status: a server that shuts down, a broken connection)
  @Test(
    "A handler hears once that its call is given up, and why", arguments: End.allCases,
    [HandlerExecution.onEventLoop, .concurrentPool])
  func reason(end: End, execution: HandlerExecution) async throws {
    let clock = ManualClock()
    let begun = Signal()
    let (seen, note) = AsyncStream<Seen>.makeStream()
    var options = ServerOptions()
    options.handlerExecution = execution

    try await Route.run(
      [Self.waiting(begun: begun, note)], options: options,
      group: EventLoopGroup(loopCount: 1, clock: clock)
    ) { route in
      switch end {
      case .resetByClient:
        try await raw(route, begun, [.reset(.noError)])
      case .connectionLost: try await raw(route, begun, [.vanish])
      case .clientCancels:
        let call = Task { for try await _ in route.bidi([[1]]) {} }
        await begun.wait()
        call.cancel()
        _ = await call.result
      case .deadline:
        let call = Task {
          for try await _ in route.bidi([[1]], options: CallOptions(timeout: .seconds(5))) {}
        }
        await begun.wait()
        await clock.advance(by: .seconds(5))
        _ = await call.result
      case .serverStops:
        let call = Task { for try await _ in route.bidi([[1]]) {} }
        await begun.wait()
        // Nobody can tell when the server has begun to count: time goes on until it has ended.
        let time = Task { while !Task.isCancelled { await clock.advance(by: .seconds(1)) } }
        await route.server.shutDown(within: .zero)
        time.cancel()
        _ = await call.result
      }
      for await result in seen {
        let expected = Seen(
          reasons: [end.reason], reasonInContext: end.reason, wasTaskCancelled: true,
          readError: end.code, writeError: end.code)
        #expect(result == expected)
        break
      }
    }
  }

  /// A client of frames makes the call, and plays `steps` when its handler has begun.
  private func raw(_ route: Route, _ begun: Signal, _ steps: [Step]) async throws {
    let isBegun = TestSupport.Gate()
    async let client = play(
      to: route.port,
      [.preface, .headers(.request(Route.bidi.descriptor.path)), .message([1])]
        + [.hold(until: isBegun)] + steps)
    await begun.wait()
    isBegun.open()
    _ = try await client
  }

  @Test("A response that cannot be sent cancels its handler, which is told so")
  func refused() async throws {
    let reason = Shared<CancellationReason?>(nil)
    let wordy = ServerMethod.serverStreaming(Route.serverStream) { _, responses, context in
      let reasons = Reasons()
      context.onCancel { reasons.add($0) }
      var metadata = Metadata()
      for number in 0..<20 { metadata.append("f\(number)", String(repeating: "x", count: 1_000)) }
      try context.setInitialMetadata(metadata)
      _ = try? await responses.send([1])
      let seen = reasons.all.first
      await reason.update { $0 = seen }
    }

    try await Route.run([wordy]) { route in
      _ = await expectError(.internal) { for try await _ in route.serverStream([]) {} }
    }
    #expect(await reason.value == .refused)
  }

  @Test("Who registers too late is told at once, and several in their order")
  func order() async throws {
    let (begun, done) = (Signal(), Signal())
    let reasons = Reasons()
    let numbers = Atomic<Int>(0)
    let late = ServerMethod.unary(Route.unary) { request, context in
      context.onCancel { _ in #expect(numbers.exchange(1, ordering: .relaxed) == 0) }
      context.onCancel { _ in #expect(numbers.exchange(2, ordering: .relaxed) == 1) }
      begun.fire()
      await Signal().wait()
      context.onCancel { reasons.add($0) }
      #expect(reasons.all == [.peer])
      #expect(numbers.load(ordering: .relaxed) == 2)
      done.fire()
      return request
    }

    try await Route.run([late]) { route in
      let call = Task { try await route.unary([]) }
      await begun.wait()
      call.cancel()
      await expectError(.cancelled) { _ = try await call.value }
      await done.wait()
    }
  }

  @Test(
    "When the handler has returned nobody is told, however late it registers",
    arguments: [HandlerExecution.onEventLoop, .concurrentPool])
  func afterTheEnd(execution: HandlerExecution) async throws {
    let (begun, ended) = (Signal(), Signal())
    let reasons = Reasons()
    let kept = Shared<ServerContext?>(nil)
    var options = ServerOptions()
    options.handlerExecution = execution
    let quick = ServerMethod.unary(Route.unary) { request, context in
      await kept.update { $0 = context }
      if request == [1] {
        context.onCancel { reasons.add($0) }
        return request
      }
      begun.fire()
      await Signal().wait()
      ended.fire()
      return request
    }

    try await Route.run([quick], options: options) { route in
      // One that is answered.
      _ = try await route.unary([1])
      let answered = try #require(await kept.value)
      answered.onCancel { reasons.add($0) }
      #expect(!answered.isCancelled)
      // One that is given up, and whose handler has returned since.
      let call = Task { try await route.unary([2]) }
      await begun.wait()
      call.cancel()
      _ = await call.result
      await ended.wait()
      // The loop has taken note of the handler's end when it answers another call.
      _ = try await route.unary([1])
      let cancelled = try #require(await kept.value)
      cancelled.onCancel { reasons.add($0) }
      #expect(reasons.all.isEmpty)
    }
  }

  @Test("What a handler has registered is released with its call")
  func released() async throws {
    final class Token: Sendable {}
    let held = Shared<WeakBox<Token>?>(nil)
    let keep = ServerMethod.unary(Route.unary) { request, context in
      let token = Token()
      context.onCancel { _ in withExtendedLifetime(token) {} }
      await held.update { $0 = WeakBox(token) }
      return request
    }

    try await Route.run([keep], group: EventLoopGroup(loopCount: 1)) { route in
      _ = try await route.unary([1])
      _ = try await route.unary([2])
      #expect(await held.value != nil)
    }
    #expect(await held.value?.value == nil)
  }

  // Spec: W18 (a deadline is reported at once, whatever the closure waits for)
  @Test("A deadline ends a closure that waits for something else than its writer")
  func deadlineOfClosure() async throws {
    let clock = ManualClock()
    let begun = Signal()
    let hang = ServerMethod.clientStreaming(Route.clientStream) { _, _ in
      begun.fire()
      await Signal().wait()
      return []
    }

    try await Route.run([hang], group: EventLoopGroup(loopCount: 1, clock: clock)) { route in
      _ = await expectError(.deadlineExceeded) {
        async let sum = route.clientStream(options: CallOptions(timeout: .seconds(5))) { requests in
          try await requests.send([1])
          await Signal().wait()
        }
        await begun.wait()
        await clock.advance(by: .seconds(5))
        _ = try await sum
      }
    }
  }

  // Spec: W65 (a server that ends early: its answer counts at once)
  @Test("An early answer ends a closure, or a sequence, that waits for something else")
  func earlyAnswer() async throws {
    let early = ServerMethod.clientStreaming(Route.clientStream) { requests, _ in
      for try await request in requests { return request }
      return []
    }

    try await Route.run([early]) { route in
      let ofClosure = try await route.clientStream { requests in
        try await requests.send([7])
        await Signal().wait()
      }
      let (endless, feed) = AsyncStream<[UInt8]>.makeStream()
      feed.yield([8])
      let ofSequence = try await route.clientStream(endless)

      #expect(ofClosure == [7])
      #expect(ofSequence == [8])
      feed.finish()
    }
  }

  // Spec: W65 (a server that ends early with an error)
  @Test("An early error ends the closure, and is what the caller gets")
  func earlyError() async throws {
    let early = ServerMethod.clientStreaming(Route.clientStream) { _, _ in
      throw RPCError(.notFound, "No.")
    }

    try await Route.run([early]) { route in
      let error = await expectError(.notFound) {
        _ = try await route.clientStream { _ in
          await Signal().wait()
          throw CancellationError()
        }
      }
      #expect(error?.origin == .peer)
    }
  }

  @Test("What the closure throws is what the caller gets, and the call is given up")
  func closureThrows() async throws {
    struct Failure: Error, Equatable {}
    let (begun, cancelled) = (Signal(), Signal())
    let hang = ServerMethod.clientStreaming(Route.clientStream) { _, _ in
      begun.fire()
      await Signal().wait()
      cancelled.fire()
      return []
    }

    try await Route.run([hang]) { route in
      await #expect(throws: Failure.self) {
        try await route.clientStream { requests in
          try await requests.send([1])
          await begun.wait()
          throw Failure()
        }
      }
      await cancelled.wait()
    }
  }

  @Test("The closure runs where its caller does, and may change what the caller has")
  @MainActor func isolation() async throws {
    let count = ServerMethod.clientStreaming(Route.clientStream) { requests, _ in
      var bytes = 0
      for try await request in requests { bytes += request.count }
      return [UInt8(bytes)]
    }
    var sent = 0

    try await Route.run([count]) { route in
      let answer = try await route.clientStream { requests in
        for _ in 0..<3 {
          try await requests.send([1])
          MainActor.assertIsolated()
          sent += 1
        }
      }
      #expect(answer == [3])
    }
    #expect(sent == 3)
  }
}

/// What actions were told, from whatever thread.
final class Reasons: Sendable {
  private let kept = Guarded<[CancellationReason]>([])
  var all: [CancellationReason] { kept.withLock { $0 } }
  func add(_ reason: CancellationReason) { kept.withLock { $0.append(reason) } }
}

struct WeakBox<Value: AnyObject & Sendable>: Sendable {
  weak let value: Value?
  init(_ value: Value) { self.value = value }
}
