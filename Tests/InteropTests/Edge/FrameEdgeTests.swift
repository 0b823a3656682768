import Testing

import TestSupport

/// RFC 9113, sections 4 to 7: what a server makes of odd and wrong frames.
///
/// Where the RFC leaves a choice, the table says what nghttp2 does. In three places it is milder than the
/// RFC: HEADERS with the number of a closed stream, or below the last one, are decoded and dropped, as it
/// does not remember closed streams (5.1, 5.1.1); and a setting that takes a stream's window beyond 2^31-1
/// resets the stream and not the connection (6.9.2).
@Suite("HTTP/2 frames at the edge", .timeLimit(.minutes(2)))
struct FrameEdgeTests {
  private static let good = HeaderField.encode(Edge.unary)
  private static let big = [UInt8](repeating: 0, count: 16_385)
  private static let priority = bigEndian(UInt32(3)) + [16]
  private static let onItself = bigEndian(UInt32(1)) + [16]

  private static func frame(
    _ kind: Frame.Kind, _ payload: [UInt8], flags: Frame.Flags = [], on id: Frame.StreamID = 0
  ) -> Step {
    .send(Frame(kind, flags: flags, on: id, payload))
  }

  private static func setting(_ number: Frame.Setting, _ value: UInt32) -> Step {
    .send(.settings([number: value]))
  }

  // swift-format-ignore
  static let format = [
    // Section 4.1
    Edge("4.1: a frame of an unknown kind",              [frame(Frame.Kind(0x16), [1, 2, 3])] + Edge.call,             .answered),
    Edge("4.1: flags that PING does not have",           [frame(.ping, bigEndian(UInt64(1)), flags: Frame.Flags(rawValue: 0xFE))] + Edge.call, .answered),
    Edge("4.1: the reserved bit of a stream's number",   [frame(.headers, good, flags: .endHeaders, on: 0x8000_0001), .message([1], endStream: true)], .answered),
    // Section 4.2
    Edge("4.2: the largest DATA",                        [.headers(Edge.unary), .message([UInt8](repeating: 1, count: 16_379), endStream: true)], .answered),
    Edge("4.2: DATA beyond it",                          Edge.open + [frame(.data, big, on: 1)],                       .goAway(.frameSizeError)),
    Edge("4.2: HEADERS beyond it",                       [frame(.headers, big, flags: .endHeaders, on: 1)],            .goAway(.frameSizeError)),
    Edge("4.2: SETTINGS beyond it",                      [frame(.settings, big)],                                      .goAway(.frameSizeError)),
    // Section 4.3
    Edge("4.3: a field that is cut off",                 Edge.block(good + [0, 5, 0x61]),                              .goAway(.compressionError)),
    Edge("4.3: PRIORITY inside a header block",          Edge.block(good, flags: []) + [frame(.priority, priority, on: 1)], .goAway(.protocolError)),
    Edge("4.3: HEADERS of another stream inside of one", Edge.block(good, flags: []) + Edge.block(good, on: 3),        .goAway(.protocolError)),
    // Section 5.5
    Edge("5.5: an unknown frame inside a header block",  Edge.block(good, flags: []) + [frame(Frame.Kind(0x16), [], on: 1)], .goAway(.protocolError)),
  ]

  // swift-format-ignore
  static let streams = [
    // Section 5.1, idle
    Edge("5.1: DATA on an idle stream",                  [.data([1])],                                                 .goAway(.protocolError)),
    Edge("5.1: RST_STREAM on an idle stream",            [.reset(.cancel)],                                            .goAway(.protocolError)),
    Edge("5.1: WINDOW_UPDATE on an idle stream",         [.send(.windowUpdate(by: 100, on: 1))],                       .goAway(.protocolError)),
    Edge("5.1: CONTINUATION on an idle stream",          [frame(.continuation, good, flags: .endHeaders, on: 1)],      .goAway(.protocolError)),
    // Section 5.1, half-closed (remote)
    Edge("5.1: DATA behind the end of the client's side", Edge.halfClosed + [.data([1])],                              .goAway(.streamClosed)),
    Edge("5.1: HEADERS behind it",                       Edge.halfClosed + [.headers(Edge.unary)],                     .goAway(.streamClosed)),
    Edge("5.1: CONTINUATION behind it",                  Edge.halfClosed + [frame(.continuation, good, flags: .endHeaders, on: 1)], .goAway(.protocolError)),
    Edge("5.1: WINDOW_UPDATE behind it",                 Edge.halfClosed + [.send(.windowUpdate(by: 1, on: 1))],       .ignored),
    Edge("5.1: RST_STREAM behind it",                    Edge.halfClosed + [.reset(.cancel)],                          .ignored),
    // Section 5.1, closed
    Edge("5.1: DATA behind the client's RST_STREAM",     Edge.reset + [.data([1])],                                    .ignored),
    Edge("5.1: HEADERS behind it, as new ones",          Edge.reset + [.headers(Edge.unary)],                          .ignored),
    Edge("5.1: CONTINUATION behind RST_STREAM",          Edge.reset + [frame(.continuation, good, flags: .endHeaders, on: 1)], .goAway(.protocolError)),
    Edge("5.1: WINDOW_UPDATE behind RST_STREAM",         Edge.reset + [.send(.windowUpdate(by: 1, on: 1))],            .ignored),
    Edge("5.1: a second RST_STREAM",                     Edge.reset + [.reset(.cancel)],                               .ignored),
    Edge("5.1: DATA on a stream that both have ended",   Edge.closed + [.data([1])],                                   .answered),
    Edge("5.1: HEADERS on it",                           Edge.closed + [.headers(Edge.unary)],                         .answered),
    Edge("5.1: CONTINUATION on it",                      Edge.closed + [frame(.continuation, good, flags: .endHeaders, on: 1)], .goAway(.protocolError)),
    Edge("5.1: WINDOW_UPDATE on it",                     Edge.closed + [.send(.windowUpdate(by: 1, on: 1))],           .answered),
    Edge("5.1: PRIORITY on it",                          Edge.closed + [frame(.priority, priority, on: 1)],            .answered),
    // Section 5.1.1
    Edge("5.1.1: an even number",                        [.headers(Edge.unary, on: 2)],                                .goAway(.protocolError)),
    Edge("5.1.1: a number below the last one",           [.headers(Edge.unary, on: 5), .headers(Edge.unary, on: 3)],   .ignored),
    // Section 5.3.1 of RFC 7540; RFC 9113 does not look at priorities.
    Edge("5.3: PRIORITY of a stream below itself",       Edge.call + [frame(.priority, onItself, on: 1)],              .goAway(.protocolError)),
    Edge("5.3: HEADERS of a stream below itself",        Edge.block(onItself + good, flags: [.endHeaders, .priority]), .goAway(.protocolError)),
  ]

  // swift-format-ignore
  static let kinds = [
    // Section 6.1
    Edge("6.1: DATA on stream 0",                        [.data([1], on: 0)],                                          .goAway(.protocolError)),
    Edge("6.1: padding as long as the frame",            Edge.open + [frame(.data, [3, 0, 0, 0], flags: .padded, on: 1)], .ignored),
    Edge("6.1: padding longer than DATA",                Edge.open + [frame(.data, [4, 0, 0, 0], flags: .padded, on: 1)], .goAway(.protocolError)),
    Edge("6.1: padded DATA of no byte",                  Edge.open + [frame(.data, [], flags: .padded, on: 1)],        .goAway(.protocolError)),
    // Section 6.2
    Edge("6.2: HEADERS on stream 0",                     [.headers(Edge.unary, on: 0)],                                .goAway(.protocolError)),
    Edge("6.2: HEADERS with padding and priority",       Edge.block([2] + priority + good + [0, 0], flags: [.endHeaders, .padded, .priority]) + [.message([1], endStream: true)], .answered),
    Edge("6.2: padding longer than HEADERS",             Edge.block([200] + good, flags: [.endHeaders, .padded]),      .goAway(.protocolError)),
    Edge("6.2: HEADERS too short for its priority",      Edge.block([0, 0], flags: [.endHeaders, .priority]),          .goAway(.frameSizeError)),
    // Section 6.3
    Edge("6.3: PRIORITY on stream 0",                    [frame(.priority, priority)],                                 .goAway(.protocolError)),
    Edge("6.3: PRIORITY of four bytes",                  Edge.open + [frame(.priority, [0, 0, 0, 3], on: 1)],          .goAway(.frameSizeError)),
    // Section 6.4
    Edge("6.4: RST_STREAM on stream 0",                  [.reset(.cancel, on: 0)],                                     .goAway(.protocolError)),
    Edge("6.4: RST_STREAM of three bytes",               Edge.open + [frame(.reset, [0, 0, 0], on: 1)],                .goAway(.frameSizeError)),
    Edge("7: RST_STREAM with a code that nobody knows",  Edge.open + [.reset(ErrorCode(0xFF))],                        .ignored),
    // Section 6.6
    Edge("6.6: PUSH_PROMISE of a client",                Edge.open + [frame(.pushPromise, bigEndian(UInt32(2)) + good, flags: .endHeaders, on: 1)], .goAway(.protocolError)),
    // Section 6.7
    Edge("6.7: an answer to no PING",                    [frame(.ping, bigEndian(UInt64(1)), flags: .acknowledge)] + Edge.call, .answered),
    Edge("6.7: PING on a stream",                        [frame(.ping, bigEndian(UInt64(1)), on: 1)],                  .goAway(.protocolError)),
    Edge("6.7: PING of six bytes",                       [frame(.ping, [1, 2, 3, 4, 5, 6])],                           .goAway(.frameSizeError)),
    // Section 6.8
    Edge("6.8: GOAWAY on a stream",                      [frame(.goAway, bigEndian(UInt64(0)), on: 1)],                .goAway(.protocolError)),
    Edge("6.8: GOAWAY of seven bytes",                   [frame(.goAway, [0, 0, 0, 0, 0, 0, 0])],                      .goAway(.frameSizeError)),
    // Section 6.10
    Edge("6.10: a block in four frames",                 Edge.block(Array(good[..<5]), flags: []) + [frame(.continuation, Array(good[5..<6]), on: 1), frame(.continuation, [], on: 1), frame(.continuation, Array(good[6...]), flags: .endHeaders, on: 1), .message([1], endStream: true)], .answered),
    Edge("6.10: CONTINUATION on stream 0",               Edge.block(good, flags: []) + [frame(.continuation, [], flags: .endHeaders)], .goAway(.protocolError)),
    Edge("6.10: CONTINUATION of another stream",         Edge.block(good, flags: []) + [frame(.continuation, [], flags: .endHeaders, on: 3)], .goAway(.protocolError)),
    Edge("6.10: CONTINUATION behind a whole block",      Edge.open + [frame(.continuation, [], flags: .endHeaders, on: 1)], .goAway(.protocolError)),
    Edge("6.10: CONTINUATION behind the last one",       Edge.block(good, flags: []) + [frame(.continuation, [], flags: .endHeaders, on: 1), frame(.continuation, [], flags: .endHeaders, on: 1)], .goAway(.protocolError)),
    Edge("6.10: CONTINUATION behind DATA",               Edge.open + [.data([]), frame(.continuation, [], flags: .endHeaders, on: 1)], .goAway(.protocolError)),
  ]

  // swift-format-ignore
  static let settings = [
    // Section 6.5
    Edge("6.5: an acknowledgement with a payload",       [frame(.settings, [0, 3, 0, 0, 0, 1], flags: .acknowledge)],  .goAway(.frameSizeError)),
    Edge("6.5: SETTINGS on a stream",                    [frame(.settings, [], on: 1)],                                .goAway(.protocolError)),
    Edge("6.5: SETTINGS of three bytes",                 [frame(.settings, [0, 3, 0])],                                .goAway(.frameSizeError)),
    Edge("6.5: an acknowledgement of nothing",           [.send(.settingsAcknowledgement)],                            .goAway(.protocolError)),
    Edge("6.5.2: ENABLE_PUSH of 2",                      [setting(.enablePush, 2)],                                    .goAway(.protocolError)),
    Edge("6.5.2: a window beyond 2^31-1",                [setting(.initialWindowSize, 0x8000_0000)],                   .goAway(.flowControlError)),
    Edge("6.5.2: a largest frame below 2^14",            [setting(.maxFrameSize, 16_383)],                             .goAway(.protocolError)),
    Edge("6.5.2: a largest frame beyond 2^24-1",         [setting(.maxFrameSize, 1 << 24)],                            .goAway(.protocolError)),
    Edge("6.5.2: the extremes",                          [setting(.maxFrameSize, 16_384), setting(.maxFrameSize, 1 << 24 - 1), setting(.headerTableSize, 0), setting(.initialWindowSize, 0x7FFF_FFFF)] + Edge.call, .answered),
    Edge("6.5.2: a setting that nobody knows",           [setting(Frame.Setting(0x4A), 7)] + Edge.call,                .answered),
    Edge("6.5.3: one setting many times, the last counts", [.send(.settings([.initialWindowSize: 0, .initialWindowSize: 70_000]))] + Edge.call, .answered),
    // Section 6.9
    Edge("6.9: a WINDOW_UPDATE of 0 for the connection", [.send(.windowUpdate(by: 0))],                                .goAway(.protocolError)),
    Edge("6.9: a WINDOW_UPDATE of 0 for a stream",       Edge.open + [.send(.windowUpdate(by: 0, on: 1))],             .goAway(.protocolError)),
    Edge("6.9: WINDOW_UPDATE of three bytes",            [frame(.windowUpdate, [0, 0, 1])],                            .goAway(.frameSizeError)),
    Edge("6.9.1: a connection's window beyond 2^31-1",   [.send(.windowUpdate(by: 0x7FFF_FFFF))],                      .goAway(.flowControlError)),
    Edge("6.9.1: a stream's window beyond 2^31-1",       Edge.open + [.send(.windowUpdate(by: 0x7FFF_FFFF, on: 1))],   .reset(.flowControlError)),
    Edge("6.9.2: a setting takes a window beyond 2^31-1", Edge.open + [.send(.windowUpdate(by: 0x7FFF_0000, on: 1)), setting(.initialWindowSize, 0x7FFF_FFFF)], .reset(.flowControlError)),
    Edge("6.9.2: no window, and then one by a setting",  [setting(.initialWindowSize, 0)] + Edge.call + [.request(), .send(.ping()), .wait(for: "the answer to PING") { !$0.answeredPings.isEmpty }, setting(.initialWindowSize, 100)], .answered),
    Edge("6.9.2: a window below 0, and then above",      [setting(.initialWindowSize, 3)] + Edge.call + [.wait(for: "three bytes") { $0[1].body.count == 3 }, setting(.initialWindowSize, 0), .send(.windowUpdate(by: 3, on: 1)), setting(.initialWindowSize, 100)], .answered),
  ]

  // Spec: W82 (RFC 9113, 4 and 5.5)
  @Test("Frames that are not what they should be", arguments: format)
  func formatRow(row: Edge) async throws { try await withServer { try await row.run(on: $0) } }

  // Spec: W82 (RFC 9113, 5.1 and 5.1.1)
  @Test("Frames on streams where they must not be", arguments: streams)
  func streamRow(row: Edge) async throws { try await withServer { try await row.run(on: $0) } }

  // Spec: W82 (RFC 9113, 6)
  // Spec: W83 (RFC 9113, 6.3: priorities are ignored)
  @Test("Each kind of frame with a wrong form", arguments: kinds)
  func kindRow(row: Edge) async throws { try await withServer { try await row.run(on: $0) } }

  // Spec: W82 (RFC 9113, 6.5 and 6.9)
  @Test("Settings and windows at their limits", arguments: settings)
  func settingRow(row: Edge) async throws { try await withServer { try await row.run(on: $0) } }
}
