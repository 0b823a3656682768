import Testing

import Tern

/// The limits of messages, at each place where they can be set.
@Suite("Limits of messages", .timeLimit(.minutes(1)))
struct MessageLimitTests {
  /// Sets a limit of 1,000 bytes in one place.
  struct Place: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Whether the response is over the limit, and not the request.
    let isOfResponse: Bool
    let set: @Sendable (inout ServerOptions, inout ChannelOptions, inout CallOptions) -> Void
  }

  private static let method = "test.Route/Unary"

  // swift-format-ignore
  static let places: [Place] = [
    Place(testDescription: "server, request", isOfResponse: false) { server, _, _ in server.maxRequestMessageBytes = 1_000 },
    Place(testDescription: "server, response", isOfResponse: true) { server, _, _ in server.maxResponseMessageBytes = 1_000 },
    Place(testDescription: "service of server, request", isOfResponse: false) { server, _, _ in server.methods["test.Route"] = .init(maxRequestMessageBytes: 1_000) },
    Place(testDescription: "method of server, request", isOfResponse: false) { server, _, _ in server.methods[method] = .init(maxRequestMessageBytes: 1_000) },
    Place(testDescription: "method of server, response", isOfResponse: true) { server, _, _ in server.methods[method] = .init(maxResponseMessageBytes: 1_000) },
    Place(testDescription: "channel, request", isOfResponse: false) { _, channel, _ in channel.maxRequestMessageBytes = 1_000 },
    Place(testDescription: "channel, response", isOfResponse: true) { _, channel, _ in channel.maxResponseMessageBytes = 1_000 },
    Place(testDescription: "service of channel, response", isOfResponse: true) { _, channel, _ in channel.methods["test.Route"] = .init(maxResponseMessageBytes: 1_000) },
    Place(testDescription: "method of channel, request", isOfResponse: false) { _, channel, _ in channel.methods[method] = .init(maxRequestMessageBytes: 1_000) },
    Place(testDescription: "method of channel, response", isOfResponse: true) { _, channel, _ in channel.methods[method] = .init(maxResponseMessageBytes: 1_000) },
    Place(testDescription: "call, request", isOfResponse: false) { _, _, call in call.maxRequestMessageBytes = 1_000 },
    Place(testDescription: "call, response", isOfResponse: true) { _, _, call in call.maxResponseMessageBytes = 1_000 },
  ]

  // Spec: W36, W37 (statuscodes: a message over the limit of either side)
  @Test("A limit holds to the byte, wherever it is set", arguments: places)
  func limit(place: Place) async throws {
    var (server, channel, call) = (ServerOptions(), ChannelOptions(), CallOptions())
    place.set(&server, &channel, &call)
    let options = call
    // The request says how long the response is to be: two bytes, and then what makes it long.
    let answer = ServerMethod.unary(Route.unary) { request, _ in
      [UInt8](repeating: 1, count: Int(request[0]) << 8 | Int(request[1]))
    }

    try await Route.run([answer], options: server, channelOptions: channel) { route in
      for bytes in [1_000, 1_001] {
        let length = place.isOfResponse ? bytes : 0
        let request =
          [UInt8(length >> 8), UInt8(length & 0xFF)]
          + [UInt8](repeating: 0, count: place.isOfResponse ? 0 : bytes - 2)
        if bytes == 1_000 {
          let answer = try await route.unary(request, options: options)
          #expect(answer.count == length)
        } else {
          let error = await expectError(.resourceExhausted) {
            _ = try await route.unary(request, options: options)
          }
          #expect(error?.message.contains("1001") == true, "\(error?.message ?? "")")
          #expect(error?.message.contains("1000") == true, "\(error?.message ?? "")")
        }
      }
    }
  }

  // Spec: W36 (statuscodes: a message over the limit, though all of it is here)
  @Test("In a stream, a message over the limit ends the call behind those before it")
  func stream() async throws {
    let send = ServerMethod.serverStreaming(Route.serverStream) { _, responses, _ in
      try await responses.send([1])
      try await responses.send([UInt8](repeating: 2, count: 1_001))
    }

    try await Route.run([send]) { route in
      var answers: [[UInt8]] = []
      await expectError(.resourceExhausted) {
        let options = CallOptions(maxResponseMessageBytes: 1_000)
        for try await answer in route.serverStream([], options: options) { answers.append(answer) }
      }
      #expect(answers == [[1]])
    }
  }

  @Test("A call's limit goes before its method's, and that before the channel's")
  func order() async throws {
    var channel = ChannelOptions()
    channel.maxRequestMessageBytes = 1
    channel.methods["test.Route"] = .init(maxRequestMessageBytes: 2)
    channel.methods[Self.method] = .init(maxRequestMessageBytes: 3)

    try await Route.run([.echo], channelOptions: channel) { route in
      let within = try await route.unary([1, 2, 3])
      #expect(within == [1, 2, 3])
      await expectError(.resourceExhausted) { _ = try await route.unary([1, 2, 3, 4]) }
      let options = CallOptions(maxRequestMessageBytes: 4)
      let ofCall = try await route.unary([1, 2, 3, 4], options: options)
      #expect(ofCall == [1, 2, 3, 4])
    }
  }
}
