import TernBytes
import TernHTTP2
import TestSupport
import Testing

@Suite("HTTP/2 exchange")
struct ExchangeTests {
  static let requestEvents: [RecordedStream.Event] = [
    .field(":method: POST"), .field(":scheme: http"), .field(":path: /echo.Echo/Say"),
    .field(":authority: test"), .field("te: trailers"), .field("content-type: application/grpc"),
    .fieldsEnd(endOfStream: false, isTooLarge: false), .data(bytes(300)), .endOfStream,
  ]
  static let responseEvents: [RecordedStream.Event] = [
    .field(":status: 200"), .field("content-type: application/grpc"),
    .fieldsEnd(endOfStream: false, isTooLarge: false), .data(bytes(200)),
    .field("grpc-status: 0"), .fieldsEnd(endOfStream: true, isTooLarge: false),
    .close(Code.noError),
  ]

  @Test("A request and its answer with trailers arrive whole, and both sides hear of the end")
  func wholeExchange() throws {
    let pair = try Pair()

    let request = try pair.client.open(body: bytes(300))
    try pair.settle()
    let response = try #require(pair.server.streams.first)
    try pair.server.answer(response, body: bytes(200))
    try pair.settle()

    #expect(response.events == Self.requestEvents + [.close(Code.noError)])
    #expect(request.events == Self.responseEvents)
    #expect(response.id == 1)
    #expect(pair.client.session.openStreamCount == 0)
    #expect(pair.server.session.openStreamCount == 0)
    #expect(pair.client.events == [.settings])
    #expect(pair.server.events == [.settings])
  }

  @Test("A request whose head comes in two reads is whole, though another stream ends between them")
  func endBetweenHalvesOfRequest() throws {
    let pair = try Pair()
    try pair.client.open()
    try pair.settle()
    try pair.server.answer(pair.server.streams[0])

    try pair.client.open(body: bytes(300))
    let request = try pair.client.pull()
    try pair.server.receive(request[..<Self.bytesUpToHalfAHead])
    try pair.client.receive(try pair.server.pull())
    #expect(pair.server.streams[0].closeCodes == [Code.noError])
    try pair.server.receive(request[Self.bytesUpToHalfAHead...])

    #expect(pair.server.streams.last?.events == Self.requestEvents)
  }

  @Test(
    "A response whose head comes in two reads is whole, though another call is given up meanwhile")
  func endBetweenHalvesOfResponse() throws {
    let pair = try Pair()
    let given = try pair.client.open(end: false)
    let request = try pair.client.open(body: bytes(300))
    try pair.settle()

    try pair.server.answer(pair.server.streams[1], body: bytes(200))
    let response = try pair.server.pull()
    try pair.client.receive(response[..<Self.bytesUpToHalfAHead])
    pair.client.session.reset(given, errorCode: Code.cancel)
    try pair.server.receive(try pair.client.pull())
    #expect(given.closeCodes == [Code.cancel])
    try pair.client.receive(response[Self.bytesUpToHalfAHead...])

    #expect(request.events == Self.responseEvents)
  }

  /// A frame's own head, and some of the header block behind it.
  private static let bytesUpToHalfAHead = 9 + 3

  // Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
  @Test("Trailers-only is one HEADERS frame that ends the stream")
  func trailersOnly() throws {
    let pair = try Pair()
    let request = try pair.client.open()
    try pair.settle()

    let block = HeaderBlock([":status": "200", "grpc-status": "12"])
    try pair.server.session.submitTrailersOnly(block, stream: pair.server.streams[0])
    let frames = try pair.server.pullFrames()
    try pair.client.receive(frames)

    #expect(frames.map(\.kind) == [.headers])
    #expect(frames.first?.flags == [.endHeaders, .endStream])
    #expect(
      request.events == [
        .field(":status: 200"), .field("grpc-status: 12"),
        .fieldsEnd(endOfStream: true, isTooLarge: false), .close(Code.noError),
      ])
  }

  // Spec: W67 (PROTOCOL-HTTP2, EOS: an empty DATA frame if nothing is left)
  @Test("A head alone goes out before there is a body, and later bytes follow when told of")
  func headFirst() throws {
    let pair = try Pair()
    let request = try pair.client.open(end: false)
    try pair.settle()
    let response = pair.server.streams[0]
    #expect(response.events.last == .fieldsEnd(endOfStream: false, isTooLarge: false))

    pair.client.send([1, 2], on: request)
    try pair.settle()
    pair.client.send([3], on: request)
    try pair.settle()
    pair.client.session.endOutbound(of: request)
    try pair.settle()

    #expect(response.events.suffix(2) == [.data([1, 2, 3]), .endOfStream])
    #expect(response.hasRemoteEnded)
  }

  // Spec: W43 (small messages share DATA frames)
  @Test("Many messages that wait leave in one DATA frame")
  func oneFrame() throws {
    let pair = try Pair()
    let request = try pair.client.open(end: false)
    try pair.settle()

    for index in 0..<10 { pair.client.send([UInt8(index)], on: request) }

    #expect(try pair.client.pullFrames() == [.data(Array(0..<10))])
  }

  @Test("Pieces of any size arrive as the whole would", arguments: [1, 2, 3, 7, 64])
  func pieces(bytesAtOnce: Int) throws {
    let pair = try Pair()

    let request = try pair.client.open(body: bytes(300))
    try pair.settle(pieceBytes: bytesAtOnce)
    let response = try #require(pair.server.streams.first)
    try pair.server.answer(response, body: bytes(200))
    try pair.settle(pieceBytes: bytesAtOnce)

    #expect(response.events == Self.requestEvents + [.close(Code.noError)])
    #expect(request.events == Self.responseEvents)
  }

  @Test("What a client sends means the same to the server, wherever it is cut")
  func everySplitOfTheRequest() throws {
    let client = try Endpoint(.client)
    try client.open(body: bytes(300))
    let sent = try client.pull()

    for boundary in 0...sent.count {
      let server = try Endpoint(.server)
      try server.receive(sent[..<boundary])
      try server.receive(sent[boundary...])
      #expect(server.streams.map(\.events) == [Self.requestEvents], "cut at \(boundary)")
    }
  }

  @Test("What a server sends means the same to the client, wherever it is cut")
  func everySplitOfTheResponse() throws {
    let pair = try Pair()
    try pair.client.open(body: bytes(300))
    let sent = try pair.client.pull()
    try pair.server.receive(sent)
    try pair.server.answer(pair.server.streams[0], body: bytes(200))
    let answer = try pair.server.pull()

    for boundary in 0...answer.count {
      let client = try Endpoint(.client)
      let request = try client.open(body: bytes(300))
      #expect(try client.pull() == sent)
      try client.receive(answer[..<boundary])
      try client.receive(answer[boundary...])
      #expect(request.events == Self.responseEvents, "cut at \(boundary)")
    }
  }

  @Test("What a session sends does not depend on the size of the buffers", arguments: 1...64)
  func smallBuffers(bufferBytes: Int) throws {
    let reference = try sent(bufferBytes: 64 << 10)

    let sent = try sent(bufferBytes: bufferBytes)

    #expect(sent.client == reference.client)
    #expect(sent.server == reference.server)
  }

  private func sent(bufferBytes: Int) throws -> (client: [UInt8], server: [UInt8]) {
    let pair = try Pair()
    try pair.client.open(body: bytes(300))
    try pair.client.open(body: bytes(40))
    let first = try pair.settle(bufferBytes: bufferBytes)
    try pair.server.answer(pair.server.streams[0], body: bytes(200))
    try pair.server.answer(pair.server.streams[1], body: bytes(20_000))
    let second = try pair.settle(bufferBytes: bufferBytes)
    return (first.client + second.client, first.server + second.server)
  }

  @Test("A buffer that was not filled was enough", arguments: [10, 100, 16_384, 20_000, 40_000])
  func fullBuffers(bufferBytes: Int) throws {
    let pair = try Pair()
    try pair.client.open(body: bytes(60_000))

    while case let count = try pair.client.pullOnce(bufferBytes: bufferBytes).count,
      count == bufferBytes
    {}

    #expect(try pair.client.pullOnce(bufferBytes: bufferBytes).isEmpty)
    #expect(!pair.client.session.wantsToSend)
  }

  @Test("A frame that is half taken goes on after the other side has been heard")
  func interleaving() throws {
    let pair = try Pair()
    let request = try pair.client.open(body: bytes(5_000))
    try pair.settle()
    try pair.server.answer(pair.server.streams[0], body: bytes(5_000))

    let begun = try pair.server.pullOnce(bufferBytes: 100)
    try pair.server.receive([.ping(), .windowUpdate(by: 1)])
    let rest = try pair.server.pull()
    try pair.client.receive(begun + rest)

    #expect(request.body == bytes(5_000))
    #expect(request.closeCodes == [Code.noError])
    #expect(Frame.all(in: begun + rest).contains { $0.kind == .ping && $0.flags == .acknowledge })
  }
}
