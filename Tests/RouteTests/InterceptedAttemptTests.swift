import TestSupport
import Testing

import Tern

/// Interceptors that send a call again, and how its attempts end.
@Suite("Intercepted attempts", .timeLimit(.minutes(1)))
struct InterceptedAttemptTests {
  /// Fails twice, then answers.
  private func flaky(_ calls: Counter) -> ServerStep {
    ServerStep { _, next in
      calls.add()
      if calls.value < 3 { throw RPCError(.unavailable, "Later.", metadata: ["try": "again"]) }
      try await next()
    }
  }

  private let again = ClientStep { _, next in
    for _ in 1...2 {
      do {
        return try await next()
      } catch let error as RPCError where error.code == .unavailable {}
    }
    try await next()
  }

  @Test(
    "A call with one request is sent as often as 'next' is called",
    arguments: [CallKind.unary, .serverStreaming])
  func sentAgain(kind: CallKind) async throws {
    let calls = Counter()
    let seen = Seen()
    let watch = ClientStep { call, next in
      call.onRequest { seen.note("out", $0) }
      try await next()
    }
    var options = ServerOptions()
    options.interceptors = [flaky(calls)]
    var channelOptions = ChannelOptions()
    channelOptions.interceptors = [watch, again]
    try await Route.run(echoes, options: options, channelOptions: channelOptions) { route in
      let responses = try await route.echo(kind, [[1, 2, 3]])

      #expect(responses == [[1, 2, 3]])
      #expect(calls.value == 3)
      #expect(seen.lengths("out") == [3])
    }
  }

  @Test(
    "Requests that are a stream are not sent again",
    arguments: [CallKind.clientStreaming, .bidirectional])
  func notSentAgain(kind: CallKind) async throws {
    var options = ServerOptions()
    options.interceptors = [flaky(Counter())]
    var channelOptions = ChannelOptions()
    channelOptions.interceptors = [again]
    try await Route.run(echoes, options: options, channelOptions: channelOptions) { route in
      let error = await expectError(.internal) { _ = try await route.echo(kind, [[1]]) }
      #expect(error?.message.contains("its requests are a stream") == true)
    }
  }

  @Test("A request longer than 256 KiB is not sent again")
  func tooLongToSendAgain() async throws {
    var options = ServerOptions()
    options.interceptors = [flaky(Counter())]
    var channelOptions = ChannelOptions()
    channelOptions.interceptors = [again]
    try await Route.run(echoes, options: options, channelOptions: channelOptions) { route in
      let error = await expectError(.internal) {
        _ = try await route.unary([UInt8](repeating: 1, count: 300_000))
      }
      #expect(error?.message.contains("longer than 262144 bytes") == true)
    }
  }

  @Test("A call whose caller has seen a response is not sent again")
  func seenAlready() async throws {
    let read = Signal()
    let method = ServerMethod.serverStreaming(Route.serverStream) { request, responses, _ in
      try await responses.send(request)
      await read.wait()
      throw RPCError(.unavailable, "Later.")
    }
    var options = ChannelOptions()
    options.interceptors = [again]
    try await Route.run([method], channelOptions: options) { route in
      var count = 0
      let error = await expectError(.internal) {
        for try await _ in route.serverStream([1]) {
          count += 1
          read.fire()
        }
      }
      #expect(count == 1)
      #expect(error?.message.contains("has seen a part of the response") == true)
    }
  }

  // Spec: W40 (statuscodes: end of stream inside a message)
  @Test(
    "A response that ends inside of a message, or is over the limit, ends the call and its interceptors",
    arguments: ["cut off", "too long"])
  func brokenResponse(how: String) async throws {
    let ended = Signal()
    let watch = ClientStep { call, next in
      defer { ended.fire() }
      try await next()
    }
    let isCutOff = how == "cut off"
    let answer: [Step] =
      isCutOff
      ? [.data([0, 0, 0, 0, 9, 1, 2]), .reset(.cancel)]
      : [.data([0, 0, 0, 0, 9] + [UInt8](repeating: 1, count: 9)), .trailers(0)]
    let server = try ScriptedServer([.settings(), .end(), .head()] + answer)
    var options = ChannelOptions()
    options.interceptors = [watch]
    options.maxResponseMessageBytes = 8
    let channel = try GRPCChannel(server.target, credentials: .insecure, options: options)
    defer { channel.close() }
    let responses = ServerStreamingCallable(channel, Route.serverStream)([1])

    await expectError(isCutOff ? .cancelled : .resourceExhausted) {
      for try await _ in responses {}
    }
    await ended.wait()
    #expect(try await server.firstConversation().streams.count == 1)
  }
}
