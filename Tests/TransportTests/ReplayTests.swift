import Testing
import TernClient
import TernCore
import TestSupport

/// What a call sends on its way to a server that refuses it, or reads it slowly.
@Suite("Sending", .timeLimit(.minutes(2)))
struct ReplayTests {
  private func sum(_ server: ScriptedServer) throws -> ClientStreamingCallable<[UInt8], [UInt8]> {
    let method = RPCMethod<[UInt8], [UInt8]>(
      MethodDescriptor(service: "tern.test.Echo", method: "ClientStream", kind: .clientStreaming),
      requestCodec: .bytes, responseCodec: .bytes)
    return ClientStreamingCallable(
      try GRPCChannel(server.target, credentials: .insecure), method)
  }

  // Spec: W85 (A6: transparent retry)
  @Test("A stream that is refused in its middle is sent again from its begin")
  func replay() async throws {
    let isRefused = Gate()
    let server = try ScriptedServer([
      .settings(), .messages(2), .reset(.refusedStream), .messages(2, on: 3), .open(isRefused),
      .end(of: 3), .answer([9], on: 3),
    ])

    let answer = try await sum(server)() { requests in
      try await requests.send([1])
      try await requests.send([2])
      try await isRefused.opened()
      try await requests.send([3])
    }

    #expect(answer == [9])
    let seen = try await server.firstConversation()
    #expect(seen[3].messages == [[1], [2], [3]])
    #expect(seen[3].head == seen[1].head)
  }

  // Spec: W85 (A6: what is not kept any more cannot be sent again)
  @Test("A stream that has sent more than 256 KiB fails when it is refused")
  func tooLongForReplay() async throws {
    let server = try ScriptedServer([
      .settings(), .wait(for: "260 KiB") { $0[1].body.count > 260 << 10 }, .reset(.refusedStream),
    ])

    let error = await #expect(throws: RPCError.self) {
      _ = try await sum(server)([
        [UInt8](repeating: 1, count: 150 << 10), .init(repeating: 2, count: 150 << 10),
      ])
    }

    #expect(error?.code == .unavailable)
    #expect(try await server.firstConversation().streams.count == 1)
  }

  @Test("Messages that another thread sends arrive in their order")
  func order() async throws {
    let server = try ScriptedServer([.settings(), .end(), .answer([])])
    let messages = (0..<2000).map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }

    _ = try await sum(server)(messages)

    #expect(try await server.firstConversation()[1].messages == messages)
  }
}
