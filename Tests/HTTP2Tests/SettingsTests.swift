import TernHTTP2
import TestSupport
import Testing

@Suite("HTTP/2 settings")
struct SettingsTests {
  // Spec: W80 (RFC 9113, 5.1.2)
  @Test("A server announces how many streams it takes, and the client knows")
  func concurrentStreams() throws {
    var settings = HTTP2Settings()
    settings.maxConcurrentStreams = 7
    let pair = try Pair(server: settings)
    #expect(pair.client.session.remoteMaxConcurrentStreams == 100)

    let frames = try pair.server.pullFrames()
    try pair.client.receive(frames)

    #expect(frames.first?.value(of: .maxConcurrentStreams) == 7)
    #expect(pair.client.session.remoteMaxConcurrentStreams == 7)
  }

  // Spec: W80 (RFC 9113, 5.1.2)
  @Test("Streams above the limit are refused while the client may not know it, and the others live")
  func tooManyStreams() throws {
    let server = try Endpoint(.server, limited(to: 2))
    try server.receive(Frame.clientPreface)

    try server.receive([.settings([:])] + [1, 3, 5].map { .headers(.request("/a/b"), on: $0) })
    let frames = try server.pullFrames()

    #expect(frames.filter { $0.kind == .reset } == [.reset(.refusedStream, on: 5)])
    #expect(server.streams.prefix(2).map(\.closeCodes) == [[], []])
  }

  // Spec: W82 (RFC 9113, 5.1.2)
  @Test("A client that knows the limit and opens more breaks the protocol")
  func overstepping() throws {
    let server = try Endpoint(.server, limited(to: 2))
    try server.receive(Frame.clientPreface)
    try server.receive([.settings([:])])
    _ = try server.pull()

    let heads = [1, 3, 5].map { Frame.headers(.request("/a/b"), on: $0) }
    try server.receive([.settingsAcknowledgement] + heads)
    let frames = try server.pullFrames()

    #expect(frames.map(\.errorCode) == [.protocolError])
    #expect(frames.map(\.kind) == [.goAway])
  }

  private func limited(to streams: Int) -> HTTP2Settings {
    var settings = HTTP2Settings()
    settings.maxConcurrentStreams = streams
    return settings
  }

  // Spec: W80 (RFC 9113, 5.1.2: what is above the limit waits)
  @Test("What a client opens above the server's limit waits, and goes when a stream has ended")
  func waitingStreams() throws {
    var settings = HTTP2Settings()
    settings.maxConcurrentStreams = 1
    let pair = try Pair(server: settings)
    try pair.settle()

    try pair.client.open()
    try pair.client.open()
    try pair.settle()
    #expect(pair.server.streams.count == 1)
    try pair.server.answer(pair.server.streams[0])
    try pair.settle()

    #expect(pair.server.streams.count == 2)
  }

  // Spec: W72 (a server that refuses for load: REFUSED_STREAM)
  @Test("A server that has no room for a stream refuses it")
  func noRoom() throws {
    let pair = try Pair()
    pair.server.refusesStreams = true

    let request = try pair.client.open(body: bytes(10), end: false)
    try pair.settle()

    #expect(request.closeCodes == [Code.refusedStream])
    #expect(pair.client.session.openStreamCount == 0)
  }

  // Spec: W28 (PROTOCOL-HTTP2, size of header blocks)
  @Test("Both sides announce the size of header blocks that they want")
  func headerListSize() throws {
    var settings = HTTP2Settings()
    settings.maxHeaderListBytes = 9_999
    let pair = try Pair(client: settings, server: settings)

    try pair.settle()

    #expect(pair.client.session.remoteMaxHeaderListBytes == 9_999)
    #expect(pair.server.session.remoteMaxHeaderListBytes == 9_999)
  }

  // Spec: W28 (PROTOCOL-HTTP2, counted as name, value and 32 bytes a field)
  // Spec: W32 (the size of what comes in is counted here)
  @Test("A header block is counted as HTTP/2 counts it, to the byte", arguments: [0, 1])
  func headerListCount(excess: Int) throws {
    var settings = HTTP2Settings()
    let head = HeaderBlock.request(["x": "0123456789"])
    settings.hardMaxHeaderListBytes = head.listBytes - excess
    let pair = try Pair(server: settings)

    try pair.client.open(head)
    try pair.settle()

    let stream = pair.server.streams[0]
    let end = RecordedStream.Event.fieldsEnd(endOfStream: true, isTooLarge: excess > 0)
    #expect(stream.events.last == end)
    #expect(stream.fields.contains("x: 0123456789") == (excess == 0))
  }

  // Spec: W29 (a soft and a hard limit)
  @Test("A header block between the announced and the hard limit is accepted")
  func betweenTheLimits() throws {
    let pair = try Pair()

    try pair.client.open(.request(["x": String(repeating: "v", count: 12_000)]))
    try pair.settle()

    let stream = pair.server.streams[0]
    #expect(stream.events.last == .fieldsEnd(endOfStream: true, isTooLarge: false))
  }

  // Spec: W31 (the block is decoded to its end)
  @Test("After a header block that was too large, the next one still means what it says")
  func tooLargeThenFine() throws {
    let pair = try Pair()
    // The last field enters HPACK's table while the block is being dropped, and is then referred to.
    let large = String(repeating: "v", count: 30_000)
    try pair.client.open(.request(["x-large": large, "x-shared": "kept in the table"]))
    try pair.client.open(.request(["x-shared": "kept in the table"]))
    try pair.settle()

    let streams = pair.server.streams
    #expect(streams[0].events.last == .fieldsEnd(endOfStream: true, isTooLarge: true))
    #expect(!streams[0].fields.contains { $0.hasPrefix("x-") })
    #expect(streams[1].events.last == .fieldsEnd(endOfStream: true, isTooLarge: false))
    #expect(streams[1].fields.last == "x-shared: kept in the table")
  }

  // Spec: W31 (the block is decoded to its end)
  @Test("A client drops what is too much in an answer's head or trailers, each for itself")
  func tooLargeAnswer() throws {
    let pair = try Pair()
    let large = String(repeating: "v", count: 20_000)
    let first = try pair.client.open()
    let second = try pair.client.open()
    try pair.settle()

    let trailers = HeaderBlock(["grpc-status": "0", "x-large": large])
    try pair.server.answer(pair.server.streams[0], trailers: trailers)
    let head = HeaderBlock([":status": "200", "x-large": large])
    try pair.server.answer(pair.server.streams[1], head, trailers: .trailers)
    try pair.settle()

    #expect(
      first.events.suffix(3) == [
        .field("grpc-status: 0"), .fieldsEnd(endOfStream: true, isTooLarge: true),
        .close(Code.noError),
      ])
    #expect(
      second.events == [
        .field(":status: 200"), .fieldsEnd(endOfStream: false, isTooLarge: true),
        .field("grpc-status: 0"), .fieldsEnd(endOfStream: true, isTooLarge: false),
        .close(Code.noError),
      ])
  }

  // Spec: W27 (G1: raw values of -bin names come only to those who announce 0xFE03)
  // Spec: W28 (PROTOCOL-HTTP2: 8 KiB of header blocks by default)
  @Test(
    "Nobody is asked for raw bytes in metadata", arguments: [HTTP2Session.Role.client, .server])
  func noRawBytes(role: HTTP2Session.Role) throws {
    let frames = try Endpoint(role).pullFrames()

    #expect(frames.first?.value(of: .maxHeaderListSize) == 8 << 10)
    #expect(frames.first?.value(of: Frame.Setting(0xFE03)) == nil)
  }

  // Spec: W83 (gRPC uses no server push)
  @Test("A client announces that it wants no push")
  func pushAnnounced() throws {
    let client = try Endpoint(.client)

    let frames = try client.pullFrames()

    #expect(frames.first?.value(of: .enablePush) == 0)
  }

  // Spec: W83 (gRPC uses no server push)
  @Test("A push is refused and told to nobody", arguments: [false, true])
  func pushRefused(isAcknowledged: Bool) throws {
    let client = try Endpoint(.client)
    let request = try client.open()
    _ = try client.pull()
    let pushed: [HeaderField] = .request("/pushed/Method").with("x-pushed", "1")
    let push = Frame(
      .pushPromise, flags: .endHeaders, on: 1, bigEndian(UInt32(2)) + HeaderField.encode(pushed))
    let acknowledgement: [Frame] = isAcknowledged ? [.settingsAcknowledgement] : []

    try client.receive([.settings([:])] + acknowledgement + [push])
    let frames = try client.pullFrames()

    #expect(frames.contains { $0.kind == .goAway || $0.kind == .reset })
    #expect(request.fields.isEmpty)
    #expect(client.streams.count == 1)
  }
}
