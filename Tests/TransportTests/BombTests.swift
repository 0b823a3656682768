import Testing
import TernBytes
import TernClient
import TernCore
import TernServer
import TernTransport
import TestSupport

/// Small messages that unpack to large ones.
@Suite("Bombs", .timeLimit(.minutes(2)))
struct BombTests {
  // Spec: W39 (decompressed size: bomb-proof)
  @Test("A thousand bombs of 16 MiB are RESOURCE_EXHAUSTED each, and take no memory")
  func bombs() async {
    // Memory is measured in a process of its own: in this one other tests run meanwhile. It has to
    // be short, since waiting for it holds a thread of Swift's pool. AddressSanitizer keeps what was
    // freed: give it ASAN_OPTIONS=quarantine_size_mb=8.
    await #expect(processExitsWith: .success) { try await throwBombs() }
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

    let error = await #expect(throws: RPCError.self) {
      for try await _ in ServerStreamingCallable(channel, Plain.serverStream)([1]) {}
    }

    #expect(error?.code == .resourceExhausted)
    _ = try await server.finish()
  }
}

private func throwBombs() async throws {
  let bomb = compressed([UInt8](repeating: 0, count: 16 << 20))
  #expect(bomb.count < 17 << 10)
  let request = noise(20_000)
  // Whatever the client is to send becomes the bomb.
  let bombing = CompressionAlgorithm(
    name: "gzip", compress: { _, output in output.append(contentsOf: bomb) },
    decompress: { _, _, _ in })
  var channelOptions = ChannelOptions()
  channelOptions.acceptedCompression = [bombing]
  channelOptions.compression = bombing
  // zlib takes 8 ms for each 4 MiB: most bombs meet a limit that takes less.
  var options = ServerOptions()
  options.methods["test.Plain/Unary"] = .init(maxRequestMessageBytes: 256 << 10)

  try await withServer([Plain.echo, Plain.echoStream], options: options) { port in
    let channel = try GRPCChannel(
      "127.0.0.1:\(port)", credentials: .insecure, options: channelOptions)
    defer { channel.close() }
    let throwOne: @Sendable (Int) async -> Void = { number in
      let error = await #expect(throws: RPCError.self) {
        if number % 20 == 0 {
          for try await _ in BidirectionalCallable(channel, Plain.bidi)([request]) {}
        } else {
          _ = try await UnaryCallable(channel, Plain.unary)(request)
        }
      }
      #expect(error?.code == .resourceExhausted)
    }
    let throwRounds: @Sendable (Range<Int>) async -> Void = { rounds in
      for round in rounds {
        await withTaskGroup { calls in
          for number in 0..<20 { calls.addTask { await throwOne(20 * round + number) } }
        }
      }
    }
    // The first ones fill buffers that are kept.
    await throwRounds(0..<5)
    let before = try residentBytes()
    await throwRounds(5..<55)
    let grownBytes = try residentBytes() - before
    #expect(grownBytes < 24 << 20, "\(grownBytes) bytes more than before")
  }
}
