import Testing

import Tern
import TestSupport

/// RFC 9113, sections 8.1 to 8.3, and RFC 7541: what a server makes of odd and wrong header blocks, and of
/// bodies that do not keep what the head says.
@Suite("HTTP/2 headers at the edge", .timeLimit(.minutes(2)))
struct HeaderEdgeTests {
  private static let good = HeaderField.encode(Edge.unary)

  private static func more(_ name: String, _ value: String) -> [Step] {
    Edge.head(Edge.unary + [HeaderField(name, value)])
  }

  private static func without(_ name: String) -> [Step] { Edge.head(Edge.unary.with(name, nil)) }

  private static func twice(_ name: String) -> [Step] {
    Edge.head([HeaderField(name, Edge.unary.first(name) ?? "")] + Edge.unary)
  }

  /// A head that says how long the body is, and the body: six bytes are a message of one.
  private static func length(_ length: String, _ body: [Step]) -> [Step] {
    [.headers(Edge.unary + [HeaderField("content-length", length)])] + body
  }

  /// A block of HPACK's, in front of a good one or behind it, and the message.
  private static func hpack(_ front: [UInt8] = [], _ back: [UInt8] = []) -> [Step] {
    Edge.block(front + good + back) + [.message([1], endStream: true)]
  }

  // swift-format-ignore
  static let messages = [
    // Section 8.1
    Edge("8.1: trailers",                                  Edge.open + [.headers([HeaderField("a", "b")], endStream: true)],           .answered),
    Edge("8.1: a second head that ends nothing",           Edge.open + [.headers([HeaderField("a", "b")])],                            .reset(.protocolError)),
    Edge("8.1: a pseudo field in trailers",                Edge.open + [.headers([HeaderField(":method", "POST")], endStream: true)],  .reset(.protocolError)),
    // Section 8.1.1
    Edge("8.1.1: content-length that is true",             length("6", [.message([1], endStream: true)]),                              .answered),
    Edge("8.1.1: true, over two frames",                   length("6", [.data([0, 0, 0]), .data([0, 1, 1], endStream: true)]),          .answered),
    Edge("8.1.1: less than the body",                      length("5", [.message([1], endStream: true)]),                              .reset(.protocolError)),
    Edge("8.1.1: more than the body",                      length("7", [.message([1], endStream: true)]),                              .reset(.protocolError)),
    Edge("8.1.1: less than two frames",                    length("5", [.data([0, 0, 0]), .data([0, 1, 1], endStream: true)]),          .reset(.protocolError)),
    Edge("8.1.1: content-length that is no number",        length("six", [.message([1], endStream: true)]),                            .reset(.protocolError)),
    Edge("8.1.1: content-length twice",                    Edge.head(Edge.unary + [HeaderField("content-length", "6"), HeaderField("content-length", "6")]), .reset(.protocolError)),
    // Section 8.2.1
    Edge("8.2.1: a name in capitals",                      more("Name", "v"),                                                          .reset(.protocolError)),
    Edge("8.2.1: a name with a blank",                     more("na me", "v"),                                                         .reset(.protocolError)),
    Edge("8.2.1: a name with a colon",                     more("na:me", "v"),                                                         .reset(.protocolError)),
    Edge("8.2.1: an empty name",                           more("", "v"),                                                              .reset(.protocolError)),
    Edge("8.2.1: a value with NUL",                        more("name", "v\0"),                                                        .reset(.protocolError)),
    Edge("8.2.1: a value with a line's end",               more("name", "v\r\nx: y"),                                                  .reset(.protocolError)),
    Edge("8.2.1: a value that begins with a blank",        more("name", " v"),                                                         .reset(.protocolError)),
    Edge("8.2.1: a value that ends with one",              more("name", "v "),                                                         .reset(.protocolError)),
    Edge("8.2.1: an empty value",                          more("name", ""),                                                           .answered),
    // Section 8.2.2
    Edge("8.2.2: connection",                              more("connection", "keep-alive"),                                           .reset(.protocolError)),
    Edge("8.2.2: keep-alive",                              more("keep-alive", "max=5"),                                                .reset(.protocolError)),
    Edge("8.2.2: proxy-connection",                        more("proxy-connection", "close"),                                          .reset(.protocolError)),
    Edge("8.2.2: transfer-encoding",                       more("transfer-encoding", "chunked"),                                       .reset(.protocolError)),
    Edge("8.2.2: upgrade",                                 more("upgrade", "h2c"),                                                     .reset(.protocolError)),
    Edge("8.2.2: te with more than trailers",              Edge.head(Edge.unary.with("te", "trailers, deflate")),                      .reset(.protocolError)),
    // Section 8.3
    Edge("8.3: a pseudo field that nobody knows",          Edge.head([HeaderField(":name", "v")] + Edge.unary),                        .reset(.protocolError)),
    Edge("8.3: a pseudo field of responses",               Edge.head([HeaderField(":status", "200")] + Edge.unary),                    .reset(.protocolError)),
    Edge("8.3: a pseudo field behind others",              Edge.head([HeaderField("a", "b")] + Edge.unary),                            .reset(.protocolError)),
    // Section 8.3.1
    Edge("8.3.1: an empty path",                           Edge.head(Edge.unary.with(":path", "")),                                    .reset(.protocolError)),
    Edge("8.3.1: no method",                               without(":method"),                                                         .reset(.protocolError)),
    Edge("8.3.1: no scheme",                               without(":scheme"),                                                         .reset(.protocolError)),
    Edge("8.3.1: no path",                                 without(":path"),                                                           .reset(.protocolError)),
    Edge("8.3.1: no authority, and no host",               without(":authority"),                                                      .reset(.protocolError)),
    Edge("8.3.1: two methods",                             twice(":method"),                                                           .reset(.protocolError)),
    Edge("8.3.1: two schemes",                             twice(":scheme"),                                                           .reset(.protocolError)),
    Edge("8.3.1: two paths",                               twice(":path"),                                                             .reset(.protocolError)),
    Edge("8.3.1: two authorities",                         twice(":authority"),                                                        .reset(.protocolError)),
    Edge("8.3.1: no pseudo field at all",                  Edge.head([HeaderField("content-type", "application/grpc")]),               .reset(.protocolError)),
    Edge("8.5: CONNECT",                                   [.headers([HeaderField(":method", "CONNECT"), HeaderField(":authority", "a:1")], endStream: true)], .refused),
  ]

  // swift-format-ignore
  static let compression = [
    // RFC 7541, section 2.3.3
    Edge("RFC 7541, 2.3.3: index 0",                       hpack([], [0x80]),                                  .goAway(.compressionError)),
    Edge("RFC 7541, 2.3.3: an index beyond the tables",    hpack([], [0x80 | 62]),                             .goAway(.compressionError)),
    Edge("RFC 7541, 2.3.3: a name's index beyond them",    hpack([], [0x40 | 62, 1, 0x61]),                    .goAway(.compressionError)),
    Edge("RFC 7541, 6.1: a field of the static table",     hpack([], [0x80 | 16]),                             .answered),
    // Sections 4.2 and 6.3
    Edge("RFC 7541, 6.3: the table becomes empty",         hpack([0x20]),                                      .answered),
    Edge("RFC 7541, 6.3: as large as we said",             hpack([0x3F, 0xE1, 0x1F]),                          .answered),
    Edge("RFC 7541, 6.3: larger than we said",             hpack([0x3F, 0xE2, 0x1F]),                          .goAway(.compressionError)),
    Edge("RFC 7541, 4.2: a new size at the end",           hpack([], [0x20]),                                  .goAway(.compressionError)),
    // Section 5.1
    Edge("RFC 7541, 5.1: a number without end",            hpack([], [0xFF] + [UInt8](repeating: 0xFF, count: 20)), .goAway(.compressionError)),
    Edge("RFC 7541, 5.1: a number that is cut off",        hpack([], [0xFF]),                                  .goAway(.compressionError)),
    // Section 5.2
    Edge("RFC 7541, 5.2: Huffman's code",                  hpack([], [0x00, 0x01, 0x61, 0x81, 0x1F]),          .answered),
    Edge("RFC 7541, 5.2: more than 7 bits of padding",     hpack([], [0x00, 0x01, 0x61, 0x82, 0x1F, 0xFF]),    .goAway(.compressionError)),
    Edge("RFC 7541, 5.2: padding of zeros",                hpack([], [0x00, 0x01, 0x61, 0x81, 0x18]),          .goAway(.compressionError)),
    Edge("RFC 7541, 5.2: Huffman's end in the middle",     hpack([], [0x00, 0x01, 0x61, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]), .goAway(.compressionError)),
    Edge("RFC 7541, 5.2: a string that is cut off",        hpack([], [0x00, 0x01, 0x61, 0x05, 0x62]),          .goAway(.compressionError)),
    Edge("RFC 7541, 6.2.2: a field that is cut off",       hpack([], [0x00]),                                  .goAway(.compressionError)),
  ]

  // Spec: W9 (RFC 9113, 8.1 to 8.3)
  @Test("Malformed requests reset their streams, and no more", arguments: messages)
  func message(row: Edge) async throws { try await withServer { try await row.run(on: $0) } }

  // Spec: W82 (RFC 9113, 4.3; RFC 7541)
  @Test("Where HPACK's tables may differ the connection ends", arguments: compression)
  func compressed(row: Edge) async throws { try await withServer { try await row.run(on: $0) } }

  // Spec: W84 (RFC 9113, 6.9.1)
  @Test("A client that sends more than a stream's window lets through loses the stream")
  func windowOverflow() async throws {
    var options = ServerOptions()
    options.streamWindowBytes = 1000
    let row = Edge(
      "6.9.1: more than the window", Edge.open + [.data([UInt8](repeating: 0, count: 1001))],
      .reset(.flowControlError))

    try await withServer(options: options) { try await row.run(on: $0) }
  }
}
