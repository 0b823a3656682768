import Testing

import Tern
import TestSupport

/// gRPC's C-core counts PINGs of its clients, and ends connections with too many of them.
@Suite("PINGs beside data", .timeLimit(.minutes(2)))
struct WindowPingTests {
  // Spec: W91 (PINGs that measure count for the server's strikes, unless it has sent DATA)
  @Test("The PINGs that measure a long download do not cost its connection")
  func download() async throws {
    let port = try #require(
      try await Grpcio.serverTarget.split(separator: ":").last.flatMap { Int($0) })
    let relay = try RecordingRelay(to: port)
    let channel = try GRPCChannel("127.0.0.1:\(relay.port)", credentials: .insecure)
    defer { channel.close() }
    let echo = EchoClient(channel: channel)

    var count = 0
    for try await _ in echo.serverStream([UInt8]("200 100000")) { count += 1 }
    let answer = try await echo.unary([1])

    #expect(count == 200)
    #expect(answer == [1])
    #expect(try relay.requests.pings.count > 3)
    #expect(relay.connectionCount == 1)
  }
}
