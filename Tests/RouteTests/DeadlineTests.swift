import Testing

import Tern

/// Deadlines of calls of each kind.
@Suite("Deadlines", .timeLimit(.minutes(1)))
struct DeadlineTests {
  /// Handlers that wait until they are cancelled, one of each kind.
  private static func waiting(begun: Signal, cancelled: Signal) -> [ServerMethod] {
    let wait: @Sendable () async -> Void = {
      begun.fire()
      await Signal().wait()
      cancelled.fire()
    }
    return [
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
  }

  private static func call(
    _ kind: CallKind, on route: Route, _ options: CallOptions
  ) async throws {
    let requests: [[UInt8]] = [[1], [2]]
    switch kind {
    case .unary: _ = try await route.unary([], options: options)
    case .serverStreaming: for try await _ in route.serverStream([], options: options) {}
    case .clientStreaming: _ = try await route.clientStream(requests, options: options)
    case .bidirectional: for try await _ in route.bidi(requests, options: options) {}
    }
  }

  // Spec: W18, W19, W21 (gRPC deadlines: whatever the kind of the call)
  @Test("A deadline ends calls of each kind, and cancels their handlers", arguments: CallKind.all)
  func eachKind(kind: CallKind) async throws {
    let clock = ManualClock()
    let (begun, cancelled) = (Signal(), Signal())

    try await Route.run(
      Self.waiting(begun: begun, cancelled: cancelled),
      group: EventLoopGroup(loopCount: 1, clock: clock)
    ) { route in
      await expectError(.deadlineExceeded) {
        async let call: Void = Self.call(kind, on: route, CallOptions(timeout: .milliseconds(200)))
        await begun.wait()
        await clock.advance(by: .milliseconds(200))
        try await call
      }
      await cancelled.wait()
    }
  }
}
