import Testing
import TernBytes
import TernClient
import TernCore
import TernTransport
import TestSupport

/// Small messages that unpack to large ones. zlib takes some 15 ms for each 4 MiB of them.
@Suite("Bombs", .timeLimit(.minutes(5)))
struct BombTests {
  // Spec: W39 (decompressed size: bomb-proof)
  @Test("A thousand bombs of 16 MiB are RESOURCE_EXHAUSTED each, and take no memory")
  func bombs() async throws {
    let bomb = compressed([UInt8](repeating: 0, count: 16 << 20))
    #expect(bomb.count < 17 << 10)
    let request = noise(20_000)
    // Whatever the client is to send becomes the bomb.
    let bombing = CompressionAlgorithm(
      name: "gzip", compress: { _, output in output.append(contentsOf: bomb) },
      decompress: { _, _, _ in })
    var options = ChannelOptions()
    options.acceptedCompression = [bombing]
    options.compression = bombing

    try await withServer([Plain.echo]) { port in
      let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: .insecure, options: options)
      defer { channel.close() }
      @Sendable func call() async {
        let error = await #expect(throws: RPCError.self) {
          _ = try await UnaryCallable(channel, Plain.unary)(request)
        }
        #expect(error?.code == .resourceExhausted)
      }
      await call()
      let before = try residentBytes()
      for _ in 0..<50 {
        await withTaskGroup { calls in for _ in 0..<20 { calls.addTask { await call() } } }
      }
      #expect(try residentBytes() - before < 48 << 20)
    }
  }

  // Spec: W39 (decompressed size: bomb-proof)
  @Test("A bomb in a stream of responses ends the call")
  func bombInStream() async throws {
    let bomb = flagged(compressed([UInt8](repeating: 0, count: 16 << 20)))
    let server = try ScriptedServer(
      [.settings(), .end(), response(("grpc-encoding", "gzip"))]
        + [.data(Array(bomb.prefix(10_000))), .data(Array(bomb.dropFirst(10_000)))]
        + [.resetOf(1)])
    let channel = try GRPCChannel(server.target, credentials: .insecure)
    let before = try residentBytes()

    let error = await #expect(throws: RPCError.self) {
      for try await _ in ServerStreamingCallable(channel, Plain.serverStream)([1]) {}
    }

    #expect(error?.code == .resourceExhausted)
    #expect(try residentBytes() - before < 48 << 20)
    _ = try await server.finish()
  }
}
