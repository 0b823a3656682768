import Testing

import Tern
import TestSupport

/// RFC 9113, sections 4 to 8: what Tern's client makes of a server's odd and wrong frames.
@Suite("HTTP/2 at the edge, on a client", .timeLimit(.minutes(2)))
struct ClientEdgeTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let server: [Step]
    /// The code of the client's GOAWAY, or of its RST_STREAM where the connection lives on.
    let code: ErrorCode

    init(_ name: String, _ server: [Step], _ code: ErrorCode) {
      self.name = name
      self.server = server
      self.code = code
    }

    var testDescription: String { name }
  }

  private static let good = HeaderField.encode(.response)

  private static func frame(
    _ kind: Frame.Kind, _ payload: [UInt8], flags: Frame.Flags = [], on id: Frame.StreamID = 0
  ) -> Step {
    .send(Frame(kind, flags: flags, on: id, payload))
  }

  // swift-format-ignore
  static let connections = [
    // what the server does                                                                                                       the client's GOAWAY
    Row("4.2: a frame beyond the largest",        [.send(Frame(.data, on: 1, [UInt8](repeating: 0, count: 16_385)))],              .frameSizeError),
    Row("4.3: a header block that is none",       [frame(.headers, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], flags: .endHeaders, on: 1)], .compressionError),
    Row("4.3: an index of no table",              [frame(.headers, good + [0x80 | 62], flags: .endHeaders, on: 1)],                .compressionError),
    Row("5.1: HEADERS on an idle stream",         [.headers(.response, on: 3)],                                                    .protocolError),
    Row("5.1: HEADERS on a stream of the server's", [.headers(.response, on: 2)],                                                  .protocolError),
    Row("5.1: DATA on an idle stream",            [.data([1], on: 3)],                                                             .protocolError),
    Row("5.1: RST_STREAM on an idle stream",      [.reset(.cancel, on: 3)],                                                        .protocolError),
    Row("6.1: DATA on stream 0",                  [.data([1], on: 0)],                                                             .protocolError),
    Row("6.1: padding longer than DATA",          [.head(), frame(.data, [9, 0, 0], flags: .padded, on: 1)],                       .protocolError),
    Row("6.2: HEADERS on stream 0",               [.headers(.response, on: 0)],                                                    .protocolError),
    Row("6.4: RST_STREAM of three bytes",         [frame(.reset, [0, 0, 0], on: 1)],                                               .frameSizeError),
    Row("6.5: SETTINGS of five bytes",            [frame(.settings, [0, 0, 0, 0, 0])],                                             .frameSizeError),
    Row("6.5: SETTINGS on a stream",              [frame(.settings, [], on: 1)],                                                   .protocolError),
    Row("6.5.2: a server that wants to be pushed to", [.send(.settings([.enablePush: 1]))],                                        .protocolError),
    Row("6.6: a push that nobody wants",          [frame(.pushPromise, bigEndian(UInt32(2)) + HeaderField.encode(.request("/a/b")), flags: .endHeaders, on: 1)], .protocolError),
    Row("6.7: PING of seven bytes",               [frame(.ping, [1, 2, 3, 4, 5, 6, 7])],                                           .frameSizeError),
    Row("6.8: GOAWAY on a stream",                [frame(.goAway, bigEndian(UInt64(0)), on: 1)],                                   .protocolError),
    Row("6.9: a WINDOW_UPDATE of 0",              [.send(.windowUpdate(by: 0))],                                                   .protocolError),
    Row("6.9.1: a window beyond 2^31-1",          [.send(.windowUpdate(by: 0x7FFF_FFFF))],                                         .flowControlError),
    Row("6.10: CONTINUATION of nothing",          [frame(.continuation, good, flags: .endHeaders, on: 1)],                         .protocolError),
    Row("6.10: PING inside a header block",       [frame(.headers, good, on: 1), .send(.ping())],                                  .protocolError),
    Row("8.1: DATA before the head",              [.data([1])],                                                                    .protocolError),
  ]

  private static func head(_ fields: [HeaderField]) -> [Step] { [.headers(fields)] }

  // swift-format-ignore
  static let messages = [
    // what the server does                                                                                                       the client's RST_STREAM
    Row("8.1: a pseudo field in trailers",        [.head(), .message([1]), .headers([HeaderField(":status", "200")] + .trailers(0), endStream: true)], .protocolError),
    Row("8.1.1: content-length that is too small", head(.response.with("content-length", "5")) + [.message([1]), .trailers(0)],    .protocolError),
    Row("8.1.1: content-length that is too large", head(.response.with("content-length", "7")) + [.message([1]), .trailers(0)],    .protocolError),
    Row("8.2.1: a name in capitals",              head(.response.with("Name", "v")),                                               .protocolError),
    Row("8.2.1: a value with NUL",                head(.response.with("name", "v\0")),                                             .protocolError),
    Row("8.2.2: connection",                      head(.response.with("connection", "close")),                                     .protocolError),
    Row("8.2.2: transfer-encoding",               head(.response.with("transfer-encoding", "chunked")),                            .protocolError),
    Row("8.3.2: no status",                       head(.response.with(":status", nil)),                                            .protocolError),
    Row("8.3.2: two statuses",                    head([HeaderField(":status", "200")] + .response),                               .protocolError),
    Row("8.3.2: a status that is no number",      head(.response.with(":status", "abc")),                                          .protocolError),
    Row("8.3: a pseudo field of requests",        head([HeaderField(":path", "/")] + .response),                                   .protocolError),
    Row("8.3: a pseudo field behind others",      head([HeaderField("a", "b")] + .response),                                       .protocolError),
    Row("8.6: 101",                               head(.response.with(":status", "101")),                                          .protocolError),
    Row("6.9.1: a stream's window beyond 2^31-1", [.send(.windowUpdate(by: 0x7FFF_FFFF, on: 1))],                                  .flowControlError),
  ]

  // Spec: W82 (RFC 9113, 5.4.1)
  @Test("A server that breaks HTTP/2 is told so, and its call is INTERNAL", arguments: connections)
  func connection(row: Row) async throws {
    let server = try ScriptedServer(
      [.settings(), .end(of: 1)] + row.server + [.otherGoAway, .otherClose])
    let channel = try GRPCChannel(server.target, credentials: .insecure)
    defer { channel.close() }

    let error = await expectError(.internal) {
      _ = try await EchoClient(channel: channel).unary([1])
    }

    let seen = try await server.firstConversation()
    #expect(seen.goAways.last?.code == row.code, report(seen))
    #expect(error?.message.contains("answered wrongly") == true, "\(error?.message ?? "")")
  }

  // Spec: W82 (RFC 9113, 5.4.2 and 8.1.1)
  @Test("A malformed response is INTERNAL, and the connection lives", arguments: messages)
  func message(row: Row) async throws {
    let server = try ScriptedServer(
      [.settings(), .end(of: 1)] + row.server + [.resetOf(1), .end(of: 3), .answer([3], on: 3)])
    let channel = try GRPCChannel(server.target, credentials: .insecure)
    defer { channel.close() }
    let echo = EchoClient(channel: channel)

    await expectError(.internal) { _ = try await echo.unary([1]) }
    let next = try await echo.unary([3])

    #expect(next == [3])
    let seen = try await server.firstConversation()
    #expect(seen[1].resetCode == row.code, report(seen))
  }
}
