import Testing
import TernClient
import TernCore
import TernEventLoop
import TestSupport

/// How a channel gets to its server, or does not.
@Suite("Connecting", .timeLimit(.minutes(1)))
struct ConnectingTests {
  // Spec: W98 (ready only when the server's SETTINGS are here)
  @Test("No call is sent before the server's SETTINGS are here")
  func waitsForSettings() async throws {
    // A call that did not wait would come before the acknowledgement, and above the limit.
    let server = try ScriptedServer([
      .settings([.maxConcurrentStreams: 0]),
      .wait(for: "the acknowledgement") { $0.acknowledgedSettings == 1 },
      Step("no call yet") { peer in
        if !peer.seen.streams.isEmpty { throw peer.complaint("A call came before SETTINGS.") }
        try peer.send(.settings([.maxConcurrentStreams: 1]))
      },
      .end(), .answer([1]),
    ])
    let client = try TimedClient(server.target)

    #expect(try await client.unary([]) == [1])
    _ = try await server.finish()
  }

  // Spec: W97 (connection-backoff: an attempt gets 20 s)
  @Test("A server that takes the connection and says nothing fails the calls after 20 s")
  func connectTimeout() async throws {
    let isConnected = Gate()
    let server = try ScriptedServer([.silentPreface, .open(isConnected)])
    let client = try TimedClient(server.target)

    async let failure = client.failure()
    try await isConnected.opened()
    await client.clock.advance(by: .seconds(20))

    let error = await failure
    #expect(error?.code == .unavailable)
    #expect(
      error?.message
        == "Connecting to '\(server.target)' took longer than 20.0 seconds. The server took the "
        + "connection but did not speak HTTP/2.")
    _ = try await server.finish()
  }

  // Spec: W97 (connection-backoff: an attempt gets 20 s)
  @Test("Where one address says nothing the next one gets its turn, and its own 20 s")
  func connectTimeoutOfEachAddress() async throws {
    let (isConnected, isConnectedAgain) = (Gate(), Gate())
    let first = try ScriptedServer([.silentPreface, .open(isConnected)])
    let second = try ScriptedServer([.silentPreface, .open(isConnectedAgain)])
    let client = try TimedClient("ipv4:\(first.target),\(second.target)")

    async let failure = client.failure()
    try await isConnected.opened()
    await client.clock.advance(by: .seconds(20))
    try await isConnectedAgain.opened()
    await client.clock.advance(by: .seconds(20))

    #expect(await failure?.message.contains("took longer than 20.0 seconds") == true)
    _ = try await first.finish()
    _ = try await second.finish()
  }

  // Spec: W97 (connection-backoff: no attempt before the wait is over)
  // Spec: W96 (connectivity: calls fail in TRANSIENT_FAILURE, with the last error)
  @Test("While it backs off calls fail at once with the last reason; afterwards one connects")
  func backoff() async throws {
    // The third script is for the attempt after the wait: a cut connection is tried twice at once.
    let server = try ScriptedServer([.close], [.close], [.settings(), .end(), .answer([3])])
    let client = try TimedClient(server.target)

    let first = await client.failure()
    await client.clock.advance(by: .milliseconds(790))
    let second = await client.failure()
    await client.clock.advance(by: .milliseconds(410))
    let answer = try await client.unary([])

    #expect(first?.code == .unavailable)
    #expect(
      first?.message.hasPrefix(
        "The connection to \(server.target) was lost before HTTP/2 began: ") == true)
    #expect(second?.code == .unavailable)
    #expect(second?.message == first?.message)
    #expect(answer == [3])
    #expect(try await server.finish().count == 3)
  }

  // Spec: W97 (connection-backoff: the wait grows, and is as new after a success)
  @Test("The wait grows with each failure, and is as new when the server was reached")
  func backoffGrowsAndEnds() async throws {
    let isGone = Gate()
    let server = try ScriptedServer(
      [.close], [.close], [.close], [.close],
      [.settings(), .end(), .answer([5]), .goAway(lastStreamID: 1), .otherClose, .open(isGone)],
      [.close], [.close], [.settings(), .end(), .answer([8])])
    let client = try TimedClient(server.target)

    _ = await client.failure()
    await client.clock.advance(by: .milliseconds(1200))
    _ = await client.failure()
    // The second wait is 1.28 s at least.
    await client.clock.advance(by: .milliseconds(1270))
    _ = await client.failure()
    await client.clock.advance(by: .milliseconds(650))
    #expect(try await client.unary([]) == [5])
    try await isGone.opened()
    _ = await client.failure()
    await client.clock.advance(by: .milliseconds(1200))
    #expect(try await client.unary([]) == [8])
    #expect(try await server.finish().count == 8)
  }

  // Spec: W97 (connection-backoff: no server is asked without a pause)
  @Test(
    "A server that sends each connection away at once is asked again after a wait, not in a loop")
  func sentAway() async throws {
    let script: [Step] = [.settings(), .goAway(lastStreamID: 0), .otherClose]
    let server = try ScriptedServer(script, script, script, [.settings(), .end(), .answer([3])])
    let client = try TimedClient(server.target)

    // The first one may go away, as servers do; the next one is no better.
    let first = await client.failure()
    await client.clock.advance(by: .milliseconds(1200))
    let second = await client.failure()
    // The second wait is 1.28 s at least: failures in a row still count.
    await client.clock.advance(by: .milliseconds(1270))
    let third = await client.failure()
    await client.clock.advance(by: .milliseconds(650))
    let answer = try await client.unary([])

    #expect(first?.code == .unavailable)
    #expect(second?.code == .unavailable)
    #expect(third?.message.contains("gives them up before any call ends") == true)
    #expect(answer == [3])
    #expect(try await server.finish().count == 4)
  }

  // Spec: W96 (wait-for-ready)
  @Test("A call that waits until the server is ready survives failed attempts")
  func waitForReady() async throws {
    let server = try ScriptedServer([.close], [.close], [.settings(), .end(), .answer([3])])
    let client = try TimedClient(server.target)
    _ = await client.failure()

    async let answer = client.unary([], options: CallOptions(waitForReady: true))
    _ = await client.failure()
    await client.clock.advance(by: .milliseconds(1200))

    #expect(try await answer == [3])
    #expect(try await server.finish().count == 3)
  }

  // Spec: W20 (the deadline covers the wait for room on the connection)
  @Test("A deadline covers the time in which the server takes no more calls")
  func deadlineInTheQueue() async throws {
    let isConnected = Gate()
    let server = try ScriptedServer([
      .settings([.maxConcurrentStreams: 0]),
      .wait(for: "the acknowledgement") { $0.acknowledgedSettings == 1 }, .open(isConnected),
    ])
    let client = try TimedClient(server.target)

    async let failure = client.failure(CallOptions(timeout: .seconds(5)))
    try await isConnected.opened()
    await client.clock.advance(by: .seconds(5))

    #expect(await failure?.code == .deadlineExceeded)
    #expect(try await server.firstConversation().streams.isEmpty)
  }

  @Test("Addresses are tried in their order until one answers")
  func severalAddresses() async throws {
    let unused = try BlockingSocket.occupy()
    let closed = unused.port
    let server = try ScriptedServer([.settings(), .end(), .answer([1])])
    let client = try TimedClient("ipv4:127.0.0.1:\(closed),\(server.target)")

    #expect(try await client.unary([]) == [1])

    let heard = try await server.firstConversation()
    #expect(heard[1].head.first(":authority") == "127.0.0.1:\(closed)")
    withExtendedLifetime(unused) {}
  }

  // Spec: W96 (connectivity: the text has the address and the reason)
  @Test("Where nobody listens the error says so")
  func refused() async throws {
    let unused = try BlockingSocket.occupy()
    let port = unused.port
    let client = try TimedClient("127.0.0.1:\(port)")

    let error = await client.failure()

    #expect(error?.code == .unavailable)
    #expect(error?.message.hasPrefix("Cannot connect to 127.0.0.1:\(port): ") == true)
    #expect(error?.message.contains("refused") == true)
    withExtendedLifetime(unused) {}
  }

  // Spec: W96 (connectivity: the text has the reason)
  @Test("A name that does not exist fails the call and says which name")
  func unknownName() async throws {
    let client = try TimedClient("tern-test.invalid:50051")

    let error = await client.failure()

    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("tern-test.invalid") == true)
    #expect(error?.message.hasSuffix("Check the target 'tern-test.invalid:50051'.") == true)
  }

  @Test("A closed channel fails its calls with the way out")
  func closed() async throws {
    let client = try TimedClient("127.0.0.1:1")
    client.channel.close()

    let error = await client.failure(CallOptions(waitForReady: true))

    #expect(error?.code == .unavailable)
    #expect(error?.message == "The channel was closed. Make a new one for further calls.")
  }

  // Spec: W4, W10 (PROTOCOL-HTTP2, Authority and User-Agent: as the channel's options say)
  @Test("The server is told the authority and the user agent that the options name")
  func authorityAndUserAgent() async throws {
    let server = try ScriptedServer([.settings(), .end(), .answer([1])])
    let client = try TimedClient(server.target) {
      $0.authority = "greet.example.com"
      $0.userAgent = "my-app/1.2"
    }

    _ = try await client.unary([])

    let head = try await server.firstConversation()[1].head
    #expect(head.first(":authority") == "greet.example.com")
    #expect(head.first("user-agent")?.hasPrefix("my-app/1.2 grpc-swift-tern/") == true)
  }
}
