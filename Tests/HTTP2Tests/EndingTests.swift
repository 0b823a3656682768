import TernHTTP2
import TestSupport
import Testing

@Suite("HTTP/2 endings")
struct EndingTests {
  // MARK: Resets

  @Test("A reset reaches the other side with its code, whoever sends it", arguments: [true, false])
  func reset(byClient: Bool) throws {
    let pair = try Pair()
    let request = try pair.client.open(end: false)
    try pair.settle()
    let response = pair.server.streams[0]

    if byClient {
      pair.client.session.reset(request, errorCode: Code.cancel)
    } else {
      pair.server.session.reset(response, errorCode: Code.cancel)
    }
    try pair.settle()

    #expect(request.closeCodes == [Code.cancel])
    #expect(response.closeCodes == [Code.cancel])
    #expect(pair.client.session.openStreamCount == 0)
    #expect(pair.server.session.openStreamCount == 0)
  }

  @Test("A reset drops what was still to be sent")
  func resetWithBytes() throws {
    let pair = try Pair()
    let request = try pair.client.open(end: false)
    try pair.settle()

    pair.client.send(bytes(1_000), on: request)
    pair.client.session.reset(request, errorCode: Code.cancel)
    let frames = try pair.client.pullFrames()

    #expect(frames == [.reset(.cancel)])
  }

  // Spec: W72 (RST_STREAM by the client)
  @Test("A request that was reset before it was sent never goes out, and is told of its end")
  func resetBeforeSent() throws {
    let pair = try Pair()
    try pair.settle()

    let request = try pair.client.open()
    pair.client.session.reset(request, errorCode: Code.cancel)
    try pair.settle()

    #expect(request.closeCodes == [Code.cancel])
    #expect(pair.server.streams.isEmpty)
  }

  @Test("Resetting a stream that is closed sends nothing")
  func resetAfterEnd() throws {
    let pair = try Pair()
    let request = try pair.client.open()
    try pair.settle()
    try pair.server.answer(pair.server.streams[0])
    try pair.settle()

    pair.client.session.reset(request, errorCode: Code.cancel)
    pair.server.session.reset(pair.server.streams[0], errorCode: Code.cancel)

    #expect(try pair.client.pull().isEmpty)
    #expect(try pair.server.pull().isEmpty)
  }

  // Spec: W65 (RFC 9113, 8.1)
  @Test(
    "A server that ends before the client has says NO_ERROR after its trailers",
    arguments: [false, true])
  func earlyEnd(trailersOnly: Bool) throws {
    let pair = try Pair()
    let request = try pair.client.open(end: false)
    try pair.settle()
    let response = pair.server.streams[0]

    if trailersOnly {
      let block = HeaderBlock([":status": "200", "grpc-status": "0"])
      try pair.server.session.submitTrailersOnly(block, stream: response)
    } else {
      try pair.server.answer(response)
    }
    let frames = try pair.server.pullFrames()
    try pair.client.receive(frames)

    #expect(frames.suffix(2).map(\.kind) == [.headers, .reset])
    #expect(frames.last == .reset(.noError))
    #expect(request.fields.last == "grpc-status: 0")
    #expect(request.closeCodes == [Code.noError])
    #expect(response.closeCodes == [Code.noError])
  }

  // Spec: W65 (RFC 9113, 8.1)
  @Test("A server that ends after the client has resets nothing")
  func lateEnd() throws {
    let pair = try Pair()
    try pair.client.open()
    try pair.settle()

    try pair.server.answer(pair.server.streams[0])

    #expect(try pair.server.pullFrames().map(\.kind) == [.headers, .headers])
  }

  // MARK: GOAWAY

  // Spec: W78 (RFC 9113, 6.8; graceful shutdown)
  @Test("After the notice streams are still taken; after the final GOAWAY they are not")
  func gracefulShutdown() throws {
    let pair = try Pair()
    let first = try pair.client.open(end: false)
    try pair.settle()

    pair.server.session.submitShutdownNotice()
    let notice = try pair.server.pullFrames()
    let second = try pair.client.open()  // under way when the notice comes
    try pair.server.receive(try pair.client.pull())
    try pair.client.receive(notice)
    #expect(!pair.client.session.canOpenStreams)
    pair.server.session.submitGoAway(errorCode: Code.noError, debugText: "maintenance")
    let final = try pair.server.pullFrames()
    try pair.client.receive(final)

    #expect(notice == [.goAway(lastStreamID: 0x7FFF_FFFF)])
    #expect(final == [.goAway(lastStreamID: 3, debug: "maintenance")])
    #expect(
      pair.client.events == [
        .settings,
        .goAway(lastStreamID: 0x7FFF_FFFF, errorCode: Code.noError, debugText: ""),
        .goAway(lastStreamID: 3, errorCode: Code.noError, debugText: "maintenance"),
      ])
    #expect(first.closeCodes.isEmpty && second.closeCodes.isEmpty)

    pair.client.session.endOutbound(of: first)
    for stream in pair.server.streams { try pair.server.answer(stream) }
    #expect(!pair.server.session.isOver)
    try pair.settle()

    #expect(first.closeCodes == [Code.noError] && second.closeCodes == [Code.noError])
    #expect(pair.server.session.isOver)
    #expect(pair.client.session.isOver)
  }

  // Spec: W77 (RFC 9113, 6.8)
  @Test("Streams above the last number of a GOAWAY close as refused, those below go on")
  func streamsAboveTheLast() throws {
    let client = try Endpoint(.client)
    let below = try client.open()
    let above = try client.open()
    _ = try client.pull()

    try client.receive([.settings([:]), .goAway(lastStreamID: 1)])

    #expect(below.closeCodes.isEmpty)
    #expect(above.closeCodes == [Code.refusedStream])
  }

  // Spec: W77 (RFC 9113, 6.8)
  @Test("A request that was not yet sent when GOAWAY came closes as refused")
  func unsentRequest() throws {
    let client = try Endpoint(.client)
    _ = try client.pull()
    let request = try client.open()

    try client.receive([.settings([:]), .goAway(lastStreamID: 0)])
    _ = try client.pull()

    #expect(request.closeCodes == [Code.refusedStream])
    #expect(request.hasNeverLeft)
    #expect(client.session.openStreamCount == 0)
  }

  // Spec: W85 (A6: a request that left may have been seen)
  @Test("A request above the last number of a GOAWAY has left")
  func sentRequest() throws {
    let client = try Endpoint(.client)
    let request = try client.open()
    _ = try client.pull()

    try client.receive([.settings([:]), .goAway(lastStreamID: 0)])

    #expect(request.closeCodes == [Code.refusedStream])
    #expect(!request.hasNeverLeft)
  }

  // Spec: W77 (RFC 9113, 6.8: the last number may only shrink)
  @Test("A GOAWAY whose last number grows ends the connection; one that shrinks does not")
  func lastNumberGrows() throws {
    let client = try Endpoint(.client)
    let streams = try (0..<3).map { _ in try client.open() }
    _ = try client.pull()

    try client.receive([.settings([:]), .goAway(lastStreamID: 3), .goAway(lastStreamID: 1)])
    let answer = try client.pullFrames()
    #expect(streams.map(\.closeCodes) == [[], [Code.refusedStream], [Code.refusedStream]])
    #expect(answer == [.settingsAcknowledgement])

    try client.receive([.goAway(lastStreamID: 5)])
    #expect(try client.pullFrames().map(\.errorCode) == [.protocolError])
  }

  @Test("The text of a GOAWAY is cut, and what is not UTF-8 is repaired")
  func debugText() throws {
    let client = try Endpoint(.client)
    let text = [0xFF] + Array(repeating: UInt8(ascii: "x"), count: 1_000)
    let goAway = Frame(.goAway, bigEndian(UInt32(0)) + bigEndian(UInt32(11)) + text)

    try client.receive([.settings([:]), goAway])

    let expected = "\u{FFFD}" + String(repeating: "x", count: 255)
    #expect(
      client.events.last
        == .goAway(lastStreamID: 0, errorCode: Code.enhanceYourCalm, debugText: expected))
  }

  // MARK: PING

  // Spec: W95 (PINGs from the peer are answered always)
  @Test("A PING is answered with its bytes, ahead of the DATA that waits")
  func pingAnswered() throws {
    let pair = try Pair()
    try pair.client.open()
    try pair.settle()
    try pair.server.answer(pair.server.streams[0], body: bytes(60_000))

    try pair.server.receive([.ping([8, 7, 6, 5, 4, 3, 2, 1])])
    let frames = try pair.server.pullFrames()

    let answer = Frame(.ping, flags: .acknowledge, [8, 7, 6, 5, 4, 3, 2, 1])
    let place = try #require(frames.firstIndex(of: answer))
    #expect(!frames[..<place].contains { $0.kind == .data })
  }

  @Test("The acknowledgement of our PING carries its number; a PING of the peer's is not told")
  func pingAcknowledged() throws {
    let pair = try Pair()
    try pair.settle()

    pair.client.session.submitPing(0x0102_0304_0506_0708)
    let frames = try pair.client.pullFrames()
    try pair.server.receive(frames)
    try pair.settle()

    #expect(frames == [.ping()])
    #expect(pair.client.events == [.settings, .pingAcknowledgement(0x0102_0304_0506_0708)])
    #expect(pair.server.events == [.settings])
  }

  // MARK: The connection is gone

  @Test("When the connection is gone each open stream hears of it once, and of nothing after it")
  func closeAllStreams() throws {
    let pair = try Pair()
    for _ in 0..<3 { try pair.client.open(body: bytes(1_000), end: false) }
    try pair.settle()
    try pair.server.answer(pair.server.streams[0])
    try pair.settle()
    // Not yet sent, and waiting to be.
    try pair.client.open(body: bytes(1_000))
    pair.client.send(bytes(100), on: pair.client.streams[1])
    let late = [Frame.headers(.response, on: 3), .data([1], on: 3), .reset(.cancel, on: 5)]

    pair.client.session.closeAllStreams(errorCode: Code.internalError)
    pair.client.session.closeAllStreams(errorCode: Code.cancel)
    let told = pair.client.streams.map(\.events)
    pair.client.forgetStreams()
    try pair.client.receive(late)
    let sent = try pair.client.pull()

    #expect(
      told.map(\.last) == [.close(Code.noError)]
        + Array(repeating: .close(Code.internalError), count: 3))
    #expect(sent.isEmpty)
    #expect(!pair.client.session.wantsToSend)
    #expect(pair.client.session.openStreamCount == 0)
  }

  @Test("A session that is dropped with open streams lets go of them")
  func droppedSession() throws {
    weak var stream: RecordedStream?
    do {
      let pair = try Pair()
      stream = try pair.client.open(end: false)
      try pair.settle()
      #expect(stream != nil)
    }

    #expect(stream == nil)
  }
}
