import Synchronization
import TernCore
import TernEventLoop
import TernServer
import TernTransport

/// The handlers of the stress test, and what they have seen that must not be.
final class StressService: Sendable {
  let begun = Counter()
  let ended = Counter()
  let cancelled = Counter()
  /// What must not be, in sentences.
  let problems = Guarded<[String]>([])
  /// The streams of all calls: none may stay.
  let streams = Guarded<[WeakBox<ServerStream>]>([])
  let clientStreams = Guarded<[WeakBox<ClientStream>]>([])

  func complain(_ text: String) { problems.withLock { if $0.count < 20 { $0.append(text) } } }

  /// Sees all messages, and lets others run before and behind the handler.
  var watching: any ServerInterceptor {
    ServerStep { call, next in
      let seen = Counter()
      call.onRequest { _ in seen.add() }
      call.onResponse { _ in seen.add() }
      try call.addTrailingMetadata(["seen": "yes"])
      await Task.yield()
      defer { _ = call.earlyFailure }
      try await next()
      await Task.yield()
    }
  }

  var methods: [ServerMethod] {
    [
      .unary(Route.unary) { [self] request, context in
        try await watched(context) {
          guard let first = message(request) else { return request }
          try await act(first, isFirst: true)
          return request
        }
      },
      .serverStreaming(Route.serverStream) { [self] request, responses, context in
        try await watched(context) {
          guard let first = message(request) else { return }
          for number in 0..<first.count {
            try await act(first, isFirst: number == 0)
            try await responses.send(request)
            if first.plan == .endEarly { return }
          }
        }
      },
      .clientStreaming(Route.clientStream) { [self] requests, context in
        try await watched(context) {
          var last: [UInt8] = []
          try await forEach(requests) { last = $0 }
          return last
        }
      },
      .bidirectional(Route.bidi) { [self] requests, responses, context in
        try await watched(context) {
          try await forEach(requests) { try await responses.send($0) }
        }
      },
    ]
  }

  private func message(_ bytes: [UInt8]) -> StressCall.Message? {
    let message = StressCall.Message(bytes)
    if message == nil { complain("A handler has got bytes that nobody sent.") }
    return message
  }

  private nonisolated(nonsending) func forEach(
    _ requests: RequestStream<[UInt8]>, _ body: ([UInt8]) async throws -> Void
  ) async throws {
    var id: UInt32?
    var count = 0
    for try await request in requests {
      guard let message = message(request) else { return }
      if message.id != id ?? message.id { complain("A handler has got another call's message.") }
      if message.number != count {
        complain("A handler has got message \(message.number) at \(count).")
      }
      id = message.id
      count += 1
      try await act(message, isFirst: count == 1)
      try await body(request)
      if message.plan == .endEarly { return }
    }
  }

  private nonisolated(nonsending) func act(
    _ message: StressCall.Message, isFirst: Bool
  ) async throws {
    switch message.plan {
    case .echo, .endEarly: break
    case .pause: for _ in 0..<3 { await Task.yield() }
    case .fail: throw RPCError(.aborted, "As planned.")
    case .hang:
      await Signal().wait()
      throw CancellationError()
    }
  }

  /// Counts a handler, and checks what it is told of its end.
  private nonisolated(nonsending) func watched<Result>(
    _ context: ServerContext, _ body: nonisolated(nonsending) () async throws -> Result
  ) async throws -> Result {
    begun.add()
    streams.withLock { $0.append(WeakBox(context.stream)) }
    let witness = Witness()
    context.onCancel { [self] _ in
      if witness.told.exchange(true, ordering: .relaxed) { complain("A handler was told twice.") }
      if witness.hasReturned.load(ordering: .relaxed) {
        complain("A handler was told after its end.")
      }
      cancelled.add()
    }
    defer {
      // Both on the loop, so what the one says the other must know.
      if context.isCancelled != witness.told.load(ordering: .relaxed) {
        complain("A handler was not told of its cancellation, or of none.")
      }
      witness.hasReturned.store(true, ordering: .relaxed)
      ended.add()
    }
    return try await body()
  }

  private final class Witness: Sendable {
    let told = Atomic<Bool>(false)
    let hasReturned = Atomic<Bool>(false)
  }
}
