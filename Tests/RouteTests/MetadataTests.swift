import Testing

import Tern

extension MetadataKey where Value == [UInt8] {
  fileprivate static var trace: Self { Self("trace-bin") }
}

/// Metadata of each kind of call, at each moment, on both sides.
@Suite("Metadata of calls", .timeLimit(.minutes(1)))
struct CallMetadataTests {
  /// When the handler hands over its initial metadata.
  enum Moment: String, CaseIterable, Sendable {
    /// By itself, before it looks at the requests.
    case early
    /// With the first message, or with the end where there is none.
    case withMessage
    case never
  }

  enum Outcome: String, CaseIterable, Sendable { case ok, error }

  /// A handler's part: what the request's metadata says, in the order of a call.
  private struct Plan: Sendable {
    let moment: Moment
    let outcome: Outcome

    init(_ context: ServerContext) throws {
      moment = try #require(context.metadata.first("moment").flatMap(Moment.init))
      outcome = try #require(context.metadata.first("outcome").flatMap(Outcome.init))
      #expect(context.metadata[.trace] == [1, 2])
    }

    func begin(_ context: ServerContext) async throws {
      var initial: Metadata = ["initial": "a"]
      initial[.trace] = [3]
      switch moment {
      case .early: try await context.sendInitialMetadata(initial)
      case .withMessage: try context.setInitialMetadata(initial)
      case .never: break
      }
      var trailing: Metadata = ["trailing": "b"]
      trailing[.trace] = [4]
      try context.setTrailingMetadata(trailing)
    }

    func end() throws {
      if outcome == .error { throw RPCError(.aborted, "as planned", metadata: ["of-error": "c"]) }
    }
  }

  private static let methods: [ServerMethod] = [
    .unary(Route.unary) { request, context in
      let plan = try Plan(context)
      try await plan.begin(context)
      try plan.end()
      return request
    },
    .serverStreaming(Route.serverStream) { request, responses, context in
      let plan = try Plan(context)
      try await plan.begin(context)
      try await responses.send(request)
      try plan.end()
    },
    .clientStreaming(Route.clientStream) { requests, context in
      let plan = try Plan(context)
      try await plan.begin(context)
      for try await _ in requests {}
      try plan.end()
      return [7]
    },
    .bidirectional(Route.bidi) { requests, responses, context in
      let plan = try Plan(context)
      try await plan.begin(context)
      for try await request in requests { try await responses.send(request) }
      try plan.end()
    },
  ]

  /// What a client has seen of a call.
  private struct Seen {
    var initial: Metadata?
    var trailing: Metadata?
    var error: RPCError?
  }

  private func seen(_ kind: CallKind, _ options: CallOptions, _ route: Route) async throws -> Seen {
    do {
      switch kind {
      case .unary:
        let call = try await route.unary.withCall([7], options: options)
        return Seen(initial: call.initialMetadata, trailing: call.trailingMetadata)
      case .clientStreaming:
        let call = try await route.clientStream.withCall([[7]], options: options)
        return Seen(initial: call.initialMetadata, trailing: call.trailingMetadata)
      case .serverStreaming: return try await seen(route.serverStream([7], options: options))
      case .bidirectional: return try await seen(route.bidi([[7]], options: options))
      }
    } catch let error as RPCError {
      return Seen(error: error)
    }
  }

  private func seen(_ responses: ResponseStream<[UInt8]>) async throws -> Seen {
    for try await response in responses { #expect(response == [7]) }
    return Seen(
      initial: try await responses.initialMetadata, trailing: try await responses.trailingMetadata)
  }

  // Spec: W54, W55 (PROTOCOL-HTTP2, Responses: metadata ahead, and with the status)
  @Test(
    "Both kinds of metadata arrive in calls of each kind, also in those that fail",
    arguments: CallKind.all, Moment.allCases)
  func table(kind: CallKind, moment: Moment) async throws {
    try await Route.run(Self.methods) { route in
      for outcome in Outcome.allCases {
        var options = CallOptions()
        options.metadata = ["moment": moment.rawValue, "outcome": outcome.rawValue]
        options.metadata[.trace] = [1, 2]

        let seen = try await seen(kind, options, route)

        let initial = seen.error?.initialMetadata ?? seen.initial
        #expect(initial?["initial"] == (moment == .never ? [] : ["a"]))
        #expect(initial?[.trace] == (moment == .never ? nil : [3]))
        let trailing = seen.error?.metadata ?? seen.trailing
        #expect(trailing?["trailing"] == ["b"])
        #expect(trailing?[.trace] == [4])
        #expect(trailing?["of-error"] == (outcome == .error ? ["c"] : []))
        #expect(seen.error?.code == (outcome == .error ? .aborted : nil))
      }
    }
  }

  @Test("Initial metadata comes by itself, before the first message", arguments: CallKind.all)
  func early(kind: CallKind) async throws {
    let isSeen = Signal()
    let send: @Sendable (ServerContext) async throws -> Void = { context in
      try await context.sendInitialMetadata(["session": "1"])
      await isSeen.wait()
    }
    let methods: [ServerMethod] = [
      .serverStreaming(Route.serverStream) { request, responses, context in
        try await send(context)
        try await responses.send(request)
      },
      .clientStreaming(Route.clientStream) { requests, context in
        try await send(context)
        for try await request in requests { return request }
        return []
      },
      .bidirectional(Route.bidi) { requests, responses, context in
        try await send(context)
        for try await request in requests { try await responses.send(request) }
      },
    ]

    try await Route.run(methods) { route in
      switch kind {
      case .unary: break  // Has its metadata with its response: `withCall`.
      case .clientStreaming:
        let answer = try await route.clientStream { requests in
          let metadata = try await requests.initialMetadata
          #expect(metadata == ["session": "1"])
          isSeen.fire()
          try await requests.send([8])
        }
        #expect(answer == [8])
      case .serverStreaming:
        try await expectEarly(route.serverStream([7]), isSeen)
      case .bidirectional: try await expectEarly(route.bidi([[7]]), isSeen)
      }
    }
  }

  private func expectEarly(_ responses: ResponseStream<[UInt8]>, _ isSeen: Signal) async throws {
    #expect(try await responses.initialMetadata == ["session": "1"])
    isSeen.fire()
    for try await response in responses { #expect(response == [7]) }
  }

  @Test("A call that only has a status has no initial metadata, which is no error if it is OK")
  func onlyStatus() async throws {
    let empty = ServerMethod.serverStreaming(Route.serverStream) { request, _, _ in
      if request == [1] { throw RPCError(.notFound, "No.") }
    }

    try await Route.run([empty]) { route in
      let metadata = try await route.serverStream([0]).initialMetadata
      #expect(metadata == [:])
      await expectError(.notFound) { _ = try await route.serverStream([1]).initialMetadata }
    }
  }

  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  // Spec: W22 (PROTOCOL-HTTP2, Custom-Metadata: other characters)
  @Test(
    "What cannot travel fails its call with the name in the text, and nothing is sent",
    arguments: [
      ["grpc-timeout": "1S"], ["content-type": "text/html"], ["a b": "c"], ["": "c"],
      ["text": "é\n"], ["trace-bin": "text"],
    ] as [Metadata])
  func refused(metadata: Metadata) async throws {
    let calls = Counter()
    let name = try #require(metadata.first?.name)
    let method = ServerMethod.bidirectional(Route.bidi) { _, responses, context in
      calls.add()
      for refused: () async throws -> Void in [
        { try context.setInitialMetadata(metadata) },
        { try context.setTrailingMetadata(metadata) },
        { try await context.sendInitialMetadata(metadata) },
      ] {
        let error = await expectError(.internal, refused)
        #expect(error?.message.contains("'\(name)'") == true)
        #expect(error?.origin == .caller)
      }
      try await responses.send([1])
    }

    try await Route.run([method, .echo]) { route in
      var answers: [[UInt8]] = []
      for try await answer in route.bidi([[UInt8]]()) { answers.append(answer) }
      #expect(answers == [[1]])

      let options = CallOptions(metadata: metadata)
      let ofUnary = await expectError(.internal) { _ = try await route.unary([], options: options) }
      let ofStream = await expectError(.internal) {
        for try await _ in route.bidi([[1]], options: options) {}
      }
      #expect(ofUnary?.message.contains("'\(name)'") == true)
      #expect(ofStream?.origin == .caller)
      #expect(calls.value == 1)
    }
  }

  @Test("Initial metadata that comes too late is refused", arguments: [true, false])
  func tooLate(sendsByItself: Bool) async throws {
    let late = ServerMethod.serverStreaming(Route.serverStream) { _, responses, context in
      if sendsByItself {
        try await context.sendInitialMetadata(["a": "b"])
      } else {
        try await responses.send([1])
      }
      let error = await expectError(.internal) { try context.setInitialMetadata(["c": "d"]) }
      #expect(error?.message.contains("was sent already") == true)
      await expectError(.internal) { try await context.sendInitialMetadata(["c": "d"]) }
    }

    try await Route.run([late]) { route in
      let responses = route.serverStream([])
      for try await _ in responses {}
      let metadata = try await responses.initialMetadata
      #expect(metadata["c"].isEmpty)
    }
  }

  // Spec: W4 (PROTOCOL-HTTP2, Authority: another one for a call)
  @Test("A call may ask for another authority, in plaintext and if it can travel")
  func authority() async throws {
    let tell = ServerMethod.unary(Route.unary) { _, context in Array(context.authority.utf8) }

    try await Route.run([tell]) { route in
      let other = try await route.unary([], options: CallOptions(authority: "tern.test:1"))
      let own = try await route.unary([])
      #expect(other == Array("tern.test:1".utf8))
      #expect(own == Array("127.0.0.1:\(route.port)".utf8))
      for odd in ["", "a b", "ü", "a\r\nb"] {
        let options = CallOptions(authority: odd)
        let error = await expectError(.internal) { _ = try await route.unary([], options: options) }
        #expect(error?.origin == .caller)
      }
    }
  }
}
