import Testing

import Tern
import TestSupport

/// What a call of Tern's client ends with, when the server answers oddly or wrongly.
@Suite("Wrong responses", .timeLimit(.minutes(1)))
struct WrongResponseTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let server: [Step]
    let code: StatusCode
    /// What the error's text has to contain.
    let text: String

    init(_ name: String, _ server: [Step], _ code: StatusCode, _ text: String = "") {
      self.name = name
      self.server = server
      self.code = code
      self.text = text
    }

    var testDescription: String { name }
  }

  private static func ended(_ fields: [HeaderField]) -> [Step] {
    [.headers(fields, endStream: true)]
  }

  private static func http(_ status: Int, type: String = "text/html") -> [Step] {
    [
      .headers([HeaderField(":status", "\(status)"), HeaderField("content-type", type)]),
      .data([UInt8]("<p>Nobody is here</p>"), endStream: true),
    ]
  }

  private static func unary(_ trailers: [HeaderField]) -> [Step] {
    [.head(), .message([1]), .headers(trailers, endStream: true)]
  }

  // swift-format-ignore
  static let fine = [
    // what the server does
    // Spec: W63 (PROTOCOL-HTTP2: interim responses are skipped)
    Row("an interim response first", [.headers([HeaderField(":status", "103")]), .answer([1])],                   .ok),
    Row("a message in many frames", [.head()] + prefixed([1]).map { .data([$0]) } + [.trailers(0)],               .ok),
    Row("padding", [.head(), .send(Frame(.data, flags: .padded, on: 1, [3] + prefixed([1]) + [0, 0, 0])), .trailers(0)], .ok),
    // Spec: W95 (PINGs at every point are answered)
    Row("pings at every point", [.send(.ping()), .head(), .send(.ping()), .message([1]), .send(.ping()), .trailers(0)], .ok),
    // Spec: W65 (PROTOCOL-HTTP2: RST_STREAM after trailers)
    Row("a reset behind the trailers", [.answer([1]), .reset(.noError)],                                          .ok),
  ]

  // swift-format-ignore
  static let statuses = [
    // what the server does                                                                            what the call ends with
    Row("a status without an answer", ended(.trailersOnly(5, "gone")),                                  .notFound, "gone"),
    Row("a status behind a message", unary(.trailers(9, "no")),                                         .failedPrecondition, "no"),
    // Spec: W56 (PROTOCOL-HTTP2, Status)
    Row("a status that is no number", ended(.trailersOnly(0).with("grpc-status", "abc")),               .unknown, "abc"),
    Row("a status beyond 16", ended(.trailersOnly(99, "what")),                                         .unknown, "99"),
    // Spec: W57 (PROTOCOL-HTTP2, Status-Message)
    Row("a message with broken escapes", ended(.trailersOnly(5, "100%, %4, %zz, %41")),                 .notFound, "100%, %4, %zz, A"),
    Row("a message that is not UTF-8", ended(.trailersOnly(5, "a%FFb")),                                .notFound, "a\u{FFFD}b"),
    // Spec: W61 (statuscodes: no status in the trailers)
    Row("trailers without a status", unary([HeaderField("a", "b")]),                                    .unknown),
    Row("trailers only without a status", ended(.response),                                             .unknown),
    // Spec: W60 (PROTOCOL-HTTP2: grpc-status in the head of an answer with a body)
    Row("a status in the head", [.headers(.response + .trailers(0)), .message([1]), .headers([HeaderField("a", "b")], endStream: true)],
                                                                                                        .unknown),
    // Spec: W62 (PROTOCOL-HTTP2: trailers are mandatory)
    Row("no trailers", [.head(), .message([1], endStream: true)],                                       .internal),
    // Spec: W63 (PROTOCOL-HTTP2: what comes when)
    Row("two heads", [.head(), .head()],                                                                .internal),
    // Spec: W25 (PROTOCOL-HTTP2, Binary-Header)
    Row("-bin in the head that is not base64", [.headers(.response.with("a-bin", "!!!!"))],             .internal, "a-bin"),
    Row("-bin in the trailers that is not base64", unary([HeaderField("a-bin", "!!!!")] + .trailers(0)), .internal, "a-bin"),
  ]

  // swift-format-ignore
  static let bodies = [
    // Spec: W35 (PROTOCOL-HTTP2, Compressed-Flag)
    Row("flag 2", [.head(), .data(prefixed([1], flag: 2)), .trailers(0)],                               .internal),
    // Spec: W47 (compression: flag without encoding)
    Row("flag 1 without an encoding", [.head(), .data(prefixed([1], flag: 1)), .trailers(0)],           .internal),
    // Spec: W36, W37 (statuscodes, RESOURCE_EXHAUSTED): the rest never comes
    Row("a prefix beyond 4 MiB", [.head(), .data([0] + bigEndian(UInt32((4 << 20) + 1)))],              .resourceExhausted),
    // Spec: W40 (statuscodes, INTERNAL)
    Row("a cut-off message", [.head(), .data(prefixed([1, 2, 3]).dropLast()), .trailers(0)],            .internal),
    // Spec: W42 (statuscodes, UNIMPLEMENTED)
    Row("no message, and OK", [.head(), .trailers(0)],                                                  .unimplemented),
    Row("trailers only, and OK", ended(.trailersOnly(0)),                                               .unimplemented),
    Row("two messages", [.head(), .message([1]), .message([2]), .trailers(0)],                          .unimplemented),
  ]

  // Spec: W64, W68 (http-grpc-status-mapping)
  // swift-format-ignore
  static let httpStatuses = [
    Row("HTTP 200", http(200),                                                                          .unknown, "Nobody is here"),
    Row("HTTP 400", http(400),                                                                          .internal, "text/html"),
    Row("HTTP 401", http(401),                                                                          .unauthenticated),
    Row("HTTP 403", http(403),                                                                          .permissionDenied),
    Row("HTTP 404", http(404),                                                                          .unimplemented),
    Row("HTTP 418", http(418),                                                                          .unknown),
    Row("HTTP 429", http(429),                                                                          .unavailable),
    Row("HTTP 500", http(500),                                                                          .unknown),
    Row("HTTP 502", http(502),                                                                          .unavailable),
    Row("HTTP 503", http(503),                                                                          .unavailable, "Nobody is here"),
    Row("HTTP 504", http(504),                                                                          .unavailable),
    // Spec: W59 (http-grpc-status-mapping: grpc-status wins)
    Row("HTTP 503 with a status", ended([HeaderField(":status", "503")] + .trailers(5)),                .notFound),
  ]

  // Spec: W69, W70, W71 (PROTOCOL-HTTP2, Errors: each code)
  // swift-format-ignore
  static let resets = [
    Row("NO_ERROR", [.reset(.noError)],                                                                 .internal),
    Row("NO_ERROR behind the head", [.head(), .reset(.noError)],                                        .internal),
    Row("NO_ERROR inside a message", [.head(), .data(prefixed([1, 2, 3]).dropLast()), .reset(.noError)], .internal),
    Row("NO_ERROR behind a message", [.head(), .message([1]), .reset(.noError)],                        .internal),
    Row("PROTOCOL_ERROR", [.reset(.protocolError)],                                                     .internal),
    Row("INTERNAL_ERROR", [.reset(.internalError)],                                                     .internal),
    Row("FLOW_CONTROL_ERROR", [.reset(.flowControlError)],                                              .internal),
    Row("STREAM_CLOSED", [.reset(.streamClosed)],                                                       .internal),
    Row("CANCEL", [.reset(.cancel)],                                                                    .cancelled),
    Row("CONNECT_ERROR", [.reset(.connectError)],                                                       .internal),
    Row("ENHANCE_YOUR_CALM", [.reset(.enhanceYourCalm)],                                                .resourceExhausted),
    Row("INADEQUATE_SECURITY", [.reset(.inadequateSecurity)],                                           .permissionDenied),
    Row("HTTP_1_1_REQUIRED", [.reset(.http11Required)],                                                 .internal),
    Row("a code that nobody knows", [.reset(ErrorCode(4711))],                                          .unknown),
  ]

  @Test("An unusual answer is an answer", arguments: fine)
  func fineAnswer(row: Row) async throws { try await expect(row) }

  @Test("A call ends with the status that the trailers lead to", arguments: statuses)
  func status(row: Row) async throws { try await expect(row) }

  @Test("A call ends with the status that the body leads to", arguments: bodies)
  func body(row: Row) async throws { try await expect(row) }

  @Test("An answer that is not gRPC's becomes a status with its text", arguments: httpStatuses)
  func foreignAnswer(row: Row) async throws { try await expect(row) }

  @Test("A reset becomes a status", arguments: resets)
  func reset(row: Row) async throws { try await expect(row) }

  /// Calls twice: the second call shows that the connection has survived the first.
  private func expect(_ row: Row) async throws {
    let server = try ScriptedServer(
      [.settings(), .end(of: 1)] + row.server + [.end(of: 3), .answer([3], on: 3)])
    let channel = try GRPCChannel(server.target, credentials: .insecure)
    defer { channel.close() }
    let unary = EchoClient(channel: channel).unary

    if row.code == .ok {
      let answer = try await unary([1])
      #expect(answer == [1])
    } else {
      let error = await expectError(row.code) { _ = try await unary([1]) }
      #expect(error?.message.contains(row.text) == true, "\(error?.message ?? "")")
    }
    let next = try await unary([3])

    let heard = try await server.finish()
    #expect(next == [3])
    #expect(heard.count == 1, "The client has given the connection up.")
  }
}
