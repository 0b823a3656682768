import Testing

import Tern
import TestSupport

/// What a server says to a call that breaks the rules. Its connection lives on.
@Suite("Wrong requests", .timeLimit(.minutes(1)))
struct WrongRequestTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let peer: [Step]
    let answer: Answer

    init(_ name: String, _ peer: [Step], _ answer: Answer) {
      self.name = name
      self.peer = peer
      self.answer = answer
    }

    var testDescription: String { name }
  }

  enum Answer: Sendable {
    case ok
    case status(StatusCode, http: String = "200")
    case reset(ErrorCode)
    /// The library below may refuse it before us.
    case statusOrReset(StatusCode, ErrorCode)
  }

  private static let good: [HeaderField] = .request("/tern.test.Echo/Unary")
  private static let tooLarge = (4 << 20) + 1

  private static func head(_ name: String, _ value: String?) -> [Step] {
    [.headers(good.with(name, value)), .message([1], endStream: true)]
  }

  private static func body(_ bytes: [UInt8]) -> [Step] {
    [.headers(good), .data(bytes, endStream: true)]
  }

  // swift-format-ignore
  static let heads = [
    // what the client sends                                                             what it gets
    // Spec: W1 (PROTOCOL-HTTP2, Method)
    Row("GET", head(":method", "GET"),                                                   .status(.internal, http: "405")),
    Row("OPTIONS of everything", [.headers(good.with(":method", "OPTIONS").with(":path", "*"), endStream: true)],
                                                                                         .status(.internal, http: "405")),
    // Spec: W2 (PROTOCOL-HTTP2, Scheme)
    Row("an odd scheme", head(":scheme", "gopher"),                                      .ok),
    // Spec: W3 (PROTOCOL-HTTP2, Path)
    Row("a path without slash", head(":path", "tern.test.Echo/Unary"),                   .statusOrReset(.unimplemented, .protocolError)),
    Row("an empty path", head(":path", ""),                                              .statusOrReset(.unimplemented, .protocolError)),
    Row("a path with two slashes", head(":path", "//tern.test.Echo/Unary"),              .status(.unimplemented)),
    Row("a path in another case", head(":path", "/tern.test.Echo/unary"),                .status(.unimplemented)),
    Row("a path with a query", head(":path", "/tern.test.Echo/Unary?a=b"),               .status(.unimplemented)),
    // Spec: W4 (PROTOCOL-HTTP2, Authority; A41)
    Row("Host instead of :authority", [.headers(good.with(":authority", nil).with("host", "a")), .message([1], endStream: true)],
                                                                                         .ok),
    Row("two hosts", [.headers(good + [HeaderField("host", "a"), HeaderField("host", "b")]), .message([1], endStream: true)],
                                                                                         .statusOrReset(.internal, .protocolError)),
    // Spec: W6 (PROTOCOL-HTTP2, TE)
    Row("no te", head("te", nil),                                                        .ok),
    // Spec: W7 (PROTOCOL-HTTP2, Content-Type)
    Row("a subtype", head("content-type", "application/grpc+proto"),                     .ok),
    Row("a parameter", head("content-type", "application/grpc;charset=utf-8"),           .ok),
    // Spec: W7, W8 (PROTOCOL-HTTP2, Content-Type: 415)
    Row("no content-type", head("content-type", nil),                                    .status(.internal, http: "415")),
    Row("content-type text/html", head("content-type", "text/html"),                     .status(.internal, http: "415")),
    Row("content-type grpcfoo", head("content-type", "application/grpcfoo"),             .status(.internal, http: "415")),
    Row("content-type grpc-web", head("content-type", "application/grpc-web"),           .status(.internal, http: "415")),
    // Spec: W9 (RFC 9113, 8.2.2)
    Row("a connection field", head("connection", "keep-alive"),                          .reset(.protocolError)),
    Row("a name in capitals", head("Upper", "case"),                                     .reset(.protocolError)),
    Row("no method", head(":method", nil),                                               .reset(.protocolError)),
    Row("a pseudo field of responses", head(":status", "200"),                           .reset(.protocolError)),
    // Spec: W13 (PROTOCOL-HTTP2, reserved names)
    Row("an unknown reserved name", head("grpc-nobody-knows", "x"),                      .ok),
    // Spec: W16 (PROTOCOL-HTTP2, Timeout)
    Row("a timeout of nine digits", head("grpc-timeout", "100000000n"),                  .status(.internal, http: "400")),
    Row("a timeout without unit", head("grpc-timeout", "100"),                           .status(.internal, http: "400")),
    Row("an empty timeout", head("grpc-timeout", ""),                                    .status(.internal, http: "400")),
    Row("a negative timeout", head("grpc-timeout", "-1S"),                               .status(.internal, http: "400")),
    Row("the longest timeout", head("grpc-timeout", "99999999H"),                        .ok),
    Row("a timeout of nothing", head("grpc-timeout", "0n"),                              .status(.deadlineExceeded)),
    // Spec: W23 (PROTOCOL-HTTP2, ASCII-Value)
    Row("metadata beyond ASCII", head("a", "\u{FC}"),                                    .ok),
    // Spec: W25 (PROTOCOL-HTTP2, Binary-Header: what is not base64)
    Row("-bin that is not base64", head("a-bin", "!!!!"),                                .status(.internal, http: "400")),
    Row("-bin of an impossible length", head("a-bin", "AAAAA"),                          .status(.internal, http: "400")),
    // Spec: W24 (PROTOCOL-HTTP2, Binary-Header: padded or not)
    Row("-bin with padding", head("a-bin", "AA=="),                                      .ok),
    // Spec: W66 (statuscodes, UNIMPLEMENTED)
    Row("an unknown service", head(":path", "/no.Service/Unary"),                        .status(.unimplemented)),
    Row("an unknown method", head(":path", "/tern.test.Echo/No"),                        .status(.unimplemented)),
    Row("no method in the path", head(":path", "/tern.test.Echo"),                       .status(.unimplemented)),
  ]

  // swift-format-ignore
  static let bodies = [
    // what the client sends                                                             what it gets
    // Spec: W34 (PROTOCOL-HTTP2, Length-Prefixed-Message)
    Row("an empty message", body(prefixed([])),                                          .ok),
    Row("a message byte by byte", [.headers(good)] + prefixed([7]).map { .data([$0]) } + [.data([], endStream: true)],
                                                                                         .ok),
    // Spec: W35 (PROTOCOL-HTTP2, Compressed-Flag)
    Row("flag 2", body(prefixed([1], flag: 2)),                                          .status(.internal)),
    Row("flag 255", body(prefixed([1], flag: 255)),                                      .status(.internal)),
    // Spec: W47 (compression: flag without encoding)
    Row("flag 1 without an encoding", body(prefixed([1], flag: 1)),                      .status(.internal)),
    // Spec: W36, W37 (statuscodes, RESOURCE_EXHAUSTED): the rest never comes
    Row("a prefix beyond 4 MiB", [.headers(good), .data([0] + bigEndian(UInt32(tooLarge)))],
                                                                                         .status(.resourceExhausted)),
    Row("the largest prefix", [.headers(good), .data([0, 255, 255, 255, 255])],          .status(.resourceExhausted)),
    // Spec: W40 (statuscodes, INTERNAL)
    Row("a cut-off prefix", body([0, 0, 0]),                                             .status(.internal)),
    Row("a cut-off message", body(prefixed([1, 2, 3]).dropLast()),                       .status(.internal)),
    Row("a message and a half", body(prefixed([1]) + prefixed([1, 2]).dropLast()),       .statusOrReset(.internal, .protocolError)),
    // Spec: W42 (statuscodes, UNIMPLEMENTED)
    Row("no message", body([]),                                                          .status(.unimplemented)),
    // Spec: W42, W67 (HEADERS with END_STREAM: no messages)
    Row("no message, ended with the head", [.headers(good, endStream: true)],            .status(.unimplemented)),
    // Spec: W42 (statuscodes, UNIMPLEMENTED)
    Row("two messages", body(prefixed([1]) + prefixed([2])),                             .status(.unimplemented)),
    Row("two messages in two frames", [.headers(good), .message([1]), .message([2], endStream: true)],
                                                                                         .status(.unimplemented)),
  ]

  @Test("A wrong head gets its answer, and the connection lives", arguments: heads)
  func wrongHead(row: Row) async throws { try await expect(row) }

  @Test("A wrong body gets its answer, and the connection lives", arguments: bodies)
  func wrongBody(row: Row) async throws { try await expect(row) }

  private func expect(_ row: Row) async throws {
    let seen = try await withServer { port in
      try await play(
        to: port,
        [.preface] + row.peer + [
          .end(of: 1), .headers(Self.good, on: 3), .message([3], on: 3, endStream: true),
          .end(of: 3),
        ])
    }

    expect(row.answer, seen)
    #expect(seen[3].messages == [[3]])
    #expect(seen[3].grpcStatus == 0, report(seen))
    #expect(seen.goAways.isEmpty)
  }

  private func expect(_ answer: Answer, _ seen: Conversation) {
    let stream = seen[1]
    switch answer {
    case .ok:
      #expect(stream.grpcStatus == 0 && stream.messages.count == 1, report(seen))
    case .status(let code, let http):
      #expect(stream.grpcStatus == code.rawValue, report(seen))
      #expect(stream.httpStatus == http)
      #expect(stream.head.first("content-type") == "application/grpc")
      // Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
      #expect(stream.heads.count == 1 && stream.body.isEmpty, report(seen))
    case .reset(let code):
      #expect(stream.resetCode == code, report(seen))
    case .statusOrReset(let code, let reset):
      let isRefused = stream.grpcStatus == code.rawValue || stream.resetCode == reset
      #expect(isRefused, report(seen))
    }
  }
}

func report(_ seen: Conversation) -> Comment {
  Comment(rawValue: seen.transcript.joined(separator: "\n"))
}
