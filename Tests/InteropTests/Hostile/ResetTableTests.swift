import Testing

import Tern
import TestSupport

/// Each code of RST_STREAM × each kind of call × each moment of it, in both directions.
@Suite("Resets", .timeLimit(.minutes(2)))
struct ResetTableTests {
  // Spec: W69, W70, W71 (PROTOCOL-HTTP2, Errors: each code)
  // swift-format-ignore
  static let codes: [(code: ErrorCode, status: StatusCode)] = [
    (.noError,            .internal),
    (.protocolError,      .internal),
    (.internalError,      .internal),
    (.flowControlError,   .internal),
    (.settingsTimeout,    .internal),
    (.streamClosed,       .internal),
    (.frameSizeError,     .internal),
    (.refusedStream,      .unavailable),
    (.cancel,             .cancelled),
    (.compressionError,   .internal),
    (.connectError,       .internal),
    (.enhanceYourCalm,    .resourceExhausted),
    (.inadequateSecurity, .permissionDenied),
    (.http11Required,     .internal),
    (ErrorCode(4711),     .unknown),
  ]

  enum Moment: CaseIterable {
    case beforeHead, behindHead, insideMessage, behindMessage, behindTrailers
    /// While the client still sends.
    case whileSending
    /// The same, when the server has given its status already.
    case whileSendingBehindStatus
  }

  enum Kind: CaseIterable { case unary, clientStreaming, serverStreaming, bidirectional }

  // MARK: Clients

  @Test(
    "A reset becomes the status that its code stands for, unless there was a status before",
    arguments: Moment.allCases, Kind.allCases)
  func client(moment: Moment, kind: Kind) async throws {
    let isWhileSending = moment == .whileSending || moment == .whileSendingBehindStatus
    if isWhileSending, kind == .unary || kind == .serverStreaming { return }
    let server = try ScriptedServer([.settings()] + Self.script(moment))
    let channel = try GRPCChannel(server.target, credentials: .insecure)
    defer { channel.close() }

    for (code, status) in Self.codes {
      let expected: StatusCode =
        switch moment {
        case .behindTrailers: .ok
        case .whileSendingBehindStatus: .notFound
        default: status
        }
      let outcome = await Self.call(EchoClient(channel: channel), kind, sends: isWhileSending)

      #expect(outcome.code == expected, "\(code): \(outcome)")
      if expected != .ok { #expect(outcome.origin == .peer, "\(code)") }
      let streams = kind == .serverStreaming || kind == .bidirectional
      let isMessageWhole = moment == .behindMessage || moment == .behindTrailers
      #expect(outcome.messages == (streams && isMessageWhole ? 1 : 0), "\(code)")
    }

    #expect(try await server.finish().count == 1, "The connection was given up.")
  }

  /// A call with each code, one after another on one connection.
  private static func script(_ moment: Moment) -> [Step] {
    var id: Frame.StreamID = 1
    return codes.flatMap { code, _ -> [Step] in
      // Spec: W85 (A6: what was refused before a head is sent again, once)
      let attempts = code == .refusedStream && moment.isBeforeHead ? 2 : 1
      return (0..<attempts).flatMap { _ -> [Step] in
        defer { id += 2 }
        return moment.steps(code, on: id)
      }
    }
  }

  private typealias Outcome = (code: StatusCode, origin: RPCError.Origin?, messages: Int)

  private static func call(_ echo: EchoClient, _ kind: Kind, sends: Bool) async -> Outcome {
    var messages = 0
    do {
      switch kind {
      case .unary: _ = try await echo.unary([1])
      case .clientStreaming:
        _ = try await echo.clientStream { requests in
          try await requests.send([1])
          if sends { await waitForCancellation() }
        }
      case .serverStreaming: for try await _ in echo.serverStream([1]) { messages += 1 }
      case .bidirectional where sends:
        try await echo.bidi { requests, responses in
          try await requests.send([1])
          for try await _ in responses { messages += 1 }
        }
      case .bidirectional: for try await _ in echo.bidi([[1]]) { messages += 1 }
      }
      return (.ok, nil, messages)
    } catch let error as RPCError {
      return (error.code, error.origin, messages)
    } catch {
      Issue.record("Expected an RPCError, but saw \(error).")
      return (.unknown, nil, messages)
    }
  }

  // MARK: Servers

  /// A handler for each kind, which says that it has begun, and hangs.
  private static func hanging(_ cancelled: AsyncStream<Void>.Continuation) -> some RPCService {
    @Sendable func hang(_ context: ServerContext) async throws {
      try await context.sendInitialMetadata([:])
      await waitForCancellation()
      cancelled.yield()
      throw CancellationError()
    }
    return Handlers(serverMethods: [
      .unary(Echo.method("unary", .unary)) { _, context in
        try await hang(context)
        return []
      },
      .clientStreaming(Echo.method("clientStreaming", .clientStreaming)) { _, context in
        try await hang(context)
        return []
      },
      .serverStreaming(Echo.method("serverStreaming", .serverStreaming)) { _, _, context in
        try await hang(context)
      },
      .bidirectional(Echo.method("bidirectional", .bidirectional)) { _, _, context in
        try await hang(context)
      },
    ])
  }

  private struct Handlers: RPCService { let serverMethods: [ServerMethod] }

  // Spec: W73 (PROTOCOL-HTTP2, Errors: RST_STREAM on a server)
  @Test(
    "A reset cancels the handler, whatever its code and whether or not the request is whole",
    arguments: Kind.allCases, [false, true])
  func server(kind: Kind, isWhole: Bool) async throws {
    let takesOne = kind == .unary || kind == .serverStreaming
    // Where the one message is needed to begin, the request is whole but for its end.
    if takesOne, !isWhole { return }
    let (cancelled, continuation) = AsyncStream<Void>.makeStream()
    let path = Echo.method("\(kind)", .unary).descriptor.path
    let calls = Self.codes.indices.flatMap { index -> [Step] in
      let id = Frame.StreamID(2 * index + 1)
      return [
        .headers(.request(path), on: id), .message([1], on: id, endStream: isWhole),
        .wait(for: "the head on \(id)") { !$0[id].heads.isEmpty },
        .reset(Self.codes[index].code, on: id),
      ]
    }

    try await withServer([Self.hanging(continuation)]) { port in
      let seen = try await play(to: port, [.preface, .otherSettings] + calls + [.send(.ping())])
      var count = 0
      for await _ in cancelled {
        count += 1
        if count == Self.codes.count { break }
      }

      #expect(seen.goAways.isEmpty, report(seen))
      #expect(seen.streams.values.allSatisfy { $0.trailers == $0.head }, report(seen))
    }
  }
}

extension ResetTableTests.Moment {
  var isBeforeHead: Bool { self == .beforeHead || self == .whileSending }

  func steps(_ code: ErrorCode, on id: Frame.StreamID) -> [Step] {
    let reset = Step.reset(code, on: id)
    switch self {
    case .beforeHead: return [.end(of: id), reset]
    case .behindHead: return [.end(of: id), .head(on: id), reset]
    case .insideMessage:
      return [.end(of: id), .head(on: id), .data(prefixed([1, 2, 3]).dropLast(), on: id), reset]
    case .behindMessage: return [.end(of: id), .head(on: id), .message([1], on: id), reset]
    case .behindTrailers: return [.end(of: id), .answer([1], on: id), reset]
    case .whileSending: return [.messages(1, on: id), reset]
    case .whileSendingBehindStatus:
      return [
        .messages(1, on: id), .headers(.trailersOnly(5, "gone"), on: id, endStream: true), reset,
      ]
    }
  }
}
