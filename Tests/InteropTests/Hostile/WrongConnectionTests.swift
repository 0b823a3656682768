import Testing

import Tern
import TestSupport

/// What a server does with connections that break the rules: it ends them, and nobody else notices.
@Suite("Wrong connections", .timeLimit(.minutes(1)))
struct WrongConnectionTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let peer: [Step]
    /// With what the server takes leave; `nil`: however it likes.
    let goodbye: ErrorCode?

    init(_ name: String, _ peer: [Step], _ goodbye: ErrorCode? = nil) {
      self.name = name
      self.peer = peer
      self.goodbye = goodbye
    }

    var testDescription: String { name }
  }

  private static let head: [HeaderField] = .request("/tern.test.Echo/Unary")

  /// What a TLS client of version 1.3 says first, cut off behind its random bytes.
  private static let clientHello: [UInt8] =
    [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03]
    + [UInt8](repeating: 0xA5, count: 32)

  // swift-format-ignore
  static let notHTTP2 = [
    // what the client sends
    Row("HTTP/1.1", [.text("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")]),
    Row("HTTP/1.1 with an upgrade", [.text("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n")]),
    Row("TLS", [.bytes(clientHello)]),
    Row("garbage", [.bytes([UInt8](repeating: 0xFF, count: 1000))]),
    Row("zeros", [.bytes([UInt8](repeating: 0, count: 1000))]),
    Row("half a preface, then the end", [.bytes(Array(ScriptedPeer.preface.prefix(12))), .finishSending]),
    Row("a preface with a wrong end", [.bytes(ScriptedPeer.preface.dropLast() + [0])]),
    Row("nothing, then the end", [.finishSending]),
    Row("a preface and no SETTINGS", [.bytes(ScriptedPeer.preface), .send(.ping())]),
  ]

  private static let endless = (0..<9).map { _ in
    Step.send(Frame(.continuation, on: 1, HeaderField.encode([HeaderField("a", "b")])))
  }

  // swift-format-ignore
  static let wrongFrames = [
    // what the client sends                                                                      goodbye
    Row("SETTINGS of five bytes", [.send(Frame(.settings, [0, 0, 0, 0, 0]))],                     .frameSizeError),
    Row("SETTINGS on a stream", [.send(Frame(.settings, on: 1))],                                 .protocolError),
    Row("a window setting beyond 2^31-1", [.send(.settings([.initialWindowSize: 0x8000_0000]))],  .flowControlError),
    Row("PING of seven bytes", [.send(.ping([1, 2, 3, 4, 5, 6, 7]))],                             .frameSizeError),
    Row("WINDOW_UPDATE of three bytes", [.send(Frame(.windowUpdate, [0, 0, 1]))],                 .frameSizeError),
    Row("windows beyond 2^31-1", [.send(.windowUpdate(by: 0x7FFF_FFFF)), .send(.windowUpdate(by: 0x7FFF_FFFF))],
                                                                                                  .flowControlError),
    Row("RST_STREAM of three bytes", [.headers(head), .send(Frame(.reset, on: 1, [0, 0, 0]))],    .frameSizeError),
    Row("RST_STREAM of a stream that was never opened", [.reset(.cancel, on: 1)],                 .protocolError),
    Row("GOAWAY of seven bytes", [.send(Frame(.goAway, [0, 0, 0, 0, 0, 0, 0]))],                  .frameSizeError),
    Row("HEADERS on stream 0", [.headers(head, on: 0)],                                           .protocolError),
    Row("HEADERS on an even stream", [.headers(head, on: 2)],                                     .protocolError),
    Row("DATA on stream 0", [.data([1], on: 0)],                                                  .protocolError),
    Row("DATA on a stream that was never opened", [.data([1], on: 1)],                            .protocolError),
    Row("a frame beyond the largest", [.send(Frame(.data, on: 1, announcing: 16_385))],           .frameSizeError),
    Row("more padding than frame", [.headers(head), .send(Frame(.data, flags: .padded, on: 1, [9, 1, 2]))],
                                                                                                  .protocolError),
    Row("a header block that is none", [.send(Frame(.headers, flags: .endHeaders, on: 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]))],
                                                                                                  .compressionError),
    Row("CONTINUATION of nothing", [.send(Frame(.continuation, flags: .endHeaders, on: 1, [0]))], .protocolError),
    Row("something between HEADERS and CONTINUATION", [.send(Frame(.headers, on: 1, HeaderField.encode(head))), .send(.ping())],
                                                                                                  .protocolError),
    // Spec: W31 (a header block without end)
    Row("a header block without end", [.send(Frame(.headers, on: 1, HeaderField.encode(head)))] + endless, .enhanceYourCalm),
    Row("PUSH_PROMISE of a client", [.headers(head), .send(Frame(.pushPromise, flags: .endHeaders, on: 1, [0, 0, 0, 2]))],
                                                                                                  .protocolError),
    Row("half a frame, then the end", [.bytes(Array(Frame.headers(head).encoded.dropLast(5))), .finishSending], nil),
  ]

  // Spec: W100 (prior knowledge only, no Upgrade)
  @Test("What is not HTTP/2 is closed, and others go on being served", arguments: notHTTP2)
  func foreignProtocol(row: Row) async throws {
    try await expectEnd(row.peer)
  }

  // Spec: W82 (RFC 9113, 5.4.1)
  @Test("A wrong frame ends its connection with a reason, and no other", arguments: wrongFrames)
  func wrongFrame(row: Row) async throws {
    let seen = try await expectEnd([.preface, .otherSettings] + row.peer)

    #expect(seen.goAways.last?.code == row.goodbye, report(seen))
  }

  /// Plays a script to its end beside a connection that was there before.
  @discardableResult
  private func expectEnd(_ peer: [Step]) async throws -> Conversation {
    try await withServer { port in
      let others = Gate()
      async let witness = play(
        to: port,
        [
          .preface, .headers(Self.head), .otherSettings, .hold(until: others),
          .message([5], endStream: true), .end(of: 1),
        ])
      defer { others.open() }
      let seen = try await play(to: port, peer + [.otherClose])
      others.open()

      let other = try await witness
      #expect(other[1].messages == [[5]], report(other))
      #expect(other.end == nil && other.goAways.isEmpty, report(other))
      return seen
    }
  }
}
