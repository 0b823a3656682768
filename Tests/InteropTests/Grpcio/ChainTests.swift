import Foundation
import Tern
import Testing

/// A client, a server of Tern's whose handler makes three calls at once, and gRPC Python behind it:
/// what ends the first call ends the others.
@Suite("A chain that ends at gRPC Python", .timeLimit(.minutes(1)))
struct ChainTests {
  private static let front = Echo.method("Front", .unary, service: "tern.test.Chain")

  /// Runs `body` with the first server's one method, which hangs in three calls, and with gRPC Python
  /// and the keys of those calls.
  private func withChain(
    _ body: (UnaryCallable<[UInt8], [UInt8]>, EchoClient, [String]) async throws -> Void
  ) async throws {
    let back = try GRPCChannel(try await Grpcio.serverTarget, credentials: .insecure)
    defer { back.close() }
    let echo = EchoClient(channel: back)
    let keys = (1...3).map { "chain \($0) \(UUID())" }
    let service = Chain(
      serverMethods: [
        .unary(Self.front) { _, _ in
          try await withThrowingTaskGroup(of: Void.self) { calls in
            for key in keys { calls.addTask { _ = try await echo.hang([UInt8](key)) } }
            try await calls.waitForAll()
          }
          return []
        }
      ])
    try await withServer([service]) { port in
      let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: .insecure)
      defer { channel.close() }
      try await body(UnaryCallable(channel, Self.front), echo, keys)
    }
  }

  private struct Chain: RPCService { let serverMethods: [ServerMethod] }

  @Test("A client that gives up ends all three")
  func cancellation() async throws {
    try await withChain { front, echo, keys in
      let call = Task { try await front([]) }
      for key in keys { try await echo.reach("started \(key)") }

      call.cancel()

      for key in keys { try await echo.reach("cancelled \(key)") }
      await #expect(throws: (any Error).self) { try await call.value }
    }
  }

  // Spec: W17 (the effective deadline is the smallest; the parent's counts)
  @Test("A deadline ends all three")
  func deadline() async throws {
    try await withChain { front, echo, keys in
      let error = await #expect(throws: RPCError.self) {
        // Long enough for all three to get there, also on a busy machine.
        try await front([], options: CallOptions(timeout: .seconds(5)))
      }

      #expect(error?.code == .deadlineExceeded)
      for key in keys { try await echo.reach("cancelled \(key)") }
    }
  }
}
