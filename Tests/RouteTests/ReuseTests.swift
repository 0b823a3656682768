import Testing

import Tern

/// Calls one after another, which share what the first one made.
@Suite("Calls one after another", .timeLimit(.minutes(1)))
struct ReuseTests {
  enum Place: String, CaseIterable, Sendable { case onTheLoop, elsewhere }

  private static let method = ServerMethod.unary(Route.unary) { request, context in
    switch request.first {
    case 0:
      try context.setInitialMetadata(["initial": "\(request.count)"])
      try context.setTrailingMetadata(["trailing": "\(request.count)"])
    case 1:
      throw RPCError(.aborted, "number \(request.count)", metadata: ["of-error": "a"])
    case 2:
      // Until the deadline.
      let isCancelled = Signal()
      context.onCancel { _ in isCancelled.fire() }
      await isCancelled.wait()
    default: break
    }
    return request
  }

  @Test("None sees anything of those before it", arguments: Place.allCases)
  func calls(_ place: Place) async throws {
    try await Route.run([Self.method]) { route in
      let work: @Sendable () async throws -> Void = {
        for round in 1...50 { try await Self.round(round, route.unary) }
      }
      switch place {
      case .onTheLoop:
        try await withTaskExecutorPreference(route.channel.executor) { try await work() }
      case .elsewhere: try await work()
      }
    }
  }

  private static func round(
    _ round: Int, _ call: UnaryCallable<[UInt8], [UInt8]>
  ) async throws {
    let size = 1 + round * round
    let rich = try await call.withCall([UInt8](repeating: 0, count: size))
    #expect(rich.message.count == size)
    #expect(rich.initialMetadata.first("initial") == "\(size)")
    #expect(rich.trailingMetadata.first("trailing") == "\(size)")

    let plain = try await call.withCall([9])
    #expect(plain.message == [9])
    #expect(plain.initialMetadata.isEmpty && plain.trailingMetadata.isEmpty)

    let error = await expectError(.aborted) {
      _ = try await call([UInt8](repeating: 1, count: size))
    }
    #expect(error?.message == "number \(size)")
    await expectError(.deadlineExceeded) {
      _ = try await call([2], options: CallOptions(timeout: .milliseconds(1)))
    }
    #expect(try await call([8], options: CallOptions(timeout: .seconds(50))) == [8])
    #expect(try await call([7, 7]) == [7, 7])
  }
}
