import Testing

import Tern

/// Compression from our client to our server and back. What travels is seen in TransportTests.
@Suite("Compression", .timeLimit(.minutes(1)))
struct CompressionTests {
  private static let lengths = [0, 1, 255, 256, 1_000, 100_000, 300_000]

  private static func message(_ length: Int) -> [UInt8] {
    (0..<length).map { UInt8(truncatingIfNeeded: ($0 / 100) ^ ($0 >> 12)) }
  }

  private static let messages = lengths.map(message)

  private static let methods: [ServerMethod] = [
    .echo, .echoStream,
    .serverStreaming(Route.serverStream) { _, responses, _ in
      try await responses.send(contentsOf: messages)
    },
    .clientStreaming(Route.clientStream) { requests, _ in
      var whole: [UInt8] = []
      for try await request in requests { whole += request }
      return whole
    },
  ]

  /// Moves each byte on by one, and says how many there are: a stand-in for what users bring.
  private static let shifting = CompressionAlgorithm(
    name: "shifting",
    compress: { message, output in
      // Shorter by one than the message, whose last byte is known.
      let bytes = unsafe message.withUnsafeBytes { unsafe Array($0) }
      output.append(contentsOf: bytes.dropLast().map { $0 &+ 1 })
    },
    decompress: { compressed, output, maxBytes in
      let bytes = unsafe compressed.withUnsafeBytes { unsafe Array($0) }
      output.append(contentsOf: bytes.prefix(maxBytes).map { $0 &- 1 } + [7])
    })

  struct Setting: Sendable {
    var requests: CompressionAlgorithm
    var responses: CompressionAlgorithm
    var handlers: HandlerExecution
  }

  static let settings: [Setting] = [
    Setting(requests: .gzip, responses: .gzip, handlers: .onEventLoop),
    Setting(requests: .deflate, responses: .deflate(level: 9), handlers: .concurrentPool),
    Setting(requests: .gzip(level: 1), responses: .deflate, handlers: .onEventLoop),
    Setting(requests: .identity, responses: .gzip, handlers: .concurrentPool),
    Setting(requests: .gzip, responses: .identity, handlers: .onEventLoop),
  ]

  private func run(_ setting: Setting, _ body: (Route) async throws -> Void) async throws {
    var options = ServerOptions()
    options.compression = setting.responses
    options.handlerExecution = setting.handlers
    var channelOptions = ChannelOptions()
    channelOptions.compression = setting.requests
    try await Route.run(
      Self.methods, options: options, channelOptions: channelOptions, body)
  }

  // Spec: W44 (compression: gzip and deflate)
  // Spec: W45 (compression: a fresh context for each message)
  @Test("Calls of all four kinds carry their messages", arguments: settings)
  func fourKinds(setting: Setting) async throws {
    try await run(setting) { route in
      for message in Self.messages { #expect(try await route.unary(message) == message) }

      var streamed: [[UInt8]] = []
      for try await response in route.serverStream([]) { streamed.append(response) }
      #expect(streamed == Self.messages)

      #expect(try await route.clientStream(Self.messages) == Array(Self.messages.joined()))

      var echoed: [[UInt8]] = []
      for try await response in route.bidi(Self.messages) { echoed.append(response) }
      #expect(echoed == Self.messages)
    }
  }

  @Test("Both sides know, message for message, what came compressed", arguments: settings)
  func whatCameCompressed(setting: Setting) async throws {
    let methods: [ServerMethod] = [
      .unary(Route.unary) { _, context in Array(repeating: 0, count: context.compressedRequestCount)
      },
      .bidirectional(Route.bidi) { requests, responses, context in
        for try await request in requests {
          let count = UInt8(context.compressedRequestCount)
          try await responses.send(
            [count] + request, compress: !request.isEmpty && count.isMultiple(of: 2))
        }
      },
    ]
    var (options, channelOptions) = (ServerOptions(), ChannelOptions())
    (options.compression, options.handlerExecution) = (setting.responses, setting.handlers)
    (options.minCompressedMessageBytes, channelOptions.minCompressedMessageBytes) = (1, 1)
    channelOptions.compression = setting.requests
    let compresses = (
      requests: setting.requests.name != "identity", responses: setting.responses.name != "identity"
    )
    try await Route.run(methods, options: options, channelOptions: channelOptions) { route in
      // Twice each, for streams of the server are used again.
      for message in [Self.message(1_000), [], Self.message(1_000), []] {
        let isCompressed = compresses.requests && !message.isEmpty
        #expect(try await route.unary(message).count == (isCompressed ? 1 : 0))
      }
      let long = [UInt8](repeating: 7, count: 1_000)
      let responses = route.bidi([long, [], long, long])
      var (requestCounts, responseCounts): ([UInt8], [Int]) = ([], [])
      for try await response in responses {
        requestCounts.append(response[0])
        responseCounts.append(responses.compressedResponseCount)
      }
      #expect(requestCounts == (compresses.requests ? [1, 1, 2, 3] : [0, 0, 0, 0]))
      let wanted = compresses.requests ? [0, 0, 1, 1] : [1, 1, 2, 3]
      #expect(responseCounts == (compresses.responses ? wanted : [0, 0, 0, 0]))
    }
  }

  @Test("Many calls at once, on many threads, do not mix their messages up")
  func concurrent() async throws {
    let setting = Self.settings[1]
    try await run(setting) { route in
      try await withThrowingTaskGroup { calls in
        for number in 0..<300 {
          calls.addTask {
            let message = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 300 + number)
            for _ in 0..<5 {
              let answer = try await route.unary(message)
              #expect(answer == message)
            }
          }
        }
        try await calls.waitForAll()
      }
    }
  }

  @Test("An algorithm of the user's own travels both ways")
  func custom() async throws {
    var options = ServerOptions()
    options.acceptedCompression.append(Self.shifting)
    options.compression = Self.shifting
    var channelOptions = ChannelOptions()
    channelOptions.acceptedCompression = [Self.shifting]
    channelOptions.compression = Self.shifting
    let message = [UInt8](repeating: 3, count: 5_000) + [7]

    try await Route.run([.echo, .echoStream], options: options, channelOptions: channelOptions) {
      route in
      let answer = try await route.unary(message)
      #expect(answer == message)
      for try await response in route.bidi([message, [], message]) {
        #expect(response == message || response == [])
      }
    }
  }

  @Test("A function of the user's own that fails, fails its call and no other")
  func failingCustom() async throws {
    struct Broken: Error {}
    let failing = CompressionAlgorithm(
      name: "failing", compress: { _, _ in throw Broken() }, decompress: { _, _, _ in })
    var options = ServerOptions()
    options.methods["test.Route/Bidi"] = .init(compression: failing)
    var channelOptions = ChannelOptions()
    channelOptions.acceptedCompression.append(failing)

    try await Route.run([.echo, .echoStream], options: options, channelOptions: channelOptions) {
      route in
      let message = Self.message(1_000)
      let error = await expectError(.internal) {
        _ = try await route.unary(message, options: CallOptions(compression: failing))
      }
      #expect(error?.cause is Broken)
      await expectError(.internal) {
        for try await response in route.bidi([message]) { #expect(response.isEmpty) }
      }
      let answer = try await route.unary(message)
      #expect(answer == message)
    }
  }

  // Spec: W39 (decompressed size: the limit of messages)
  @Test("A message over the receiver's limit is RESOURCE_EXHAUSTED, and the way out works")
  func receiveLimit() async throws {
    let message = [UInt8](repeating: 7, count: 5_000_000)
    try await run(Self.settings[0]) { route in
      await expectError(.resourceExhausted) { _ = try await route.unary(message) }
    }

    var options = ServerOptions()
    options.compression = .gzip
    options.maxRequestMessageBytes = 5_000_000
    var channelOptions = ChannelOptions()
    channelOptions.compression = .gzip
    channelOptions.maxResponseMessageBytes = 5_000_000
    try await Route.run([.echo], options: options, channelOptions: channelOptions) { route in
      let answer = try await route.unary(message)
      #expect(answer == message)
      let options = CallOptions(maxResponseMessageBytes: 4_999_999)
      let error = await expectError(.resourceExhausted) {
        _ = try await route.unary(message, options: options)
      }
      #expect(error?.message.contains("maxResponseMessageBytes") == true)
    }
  }
}
