import TernBytes
import TernHTTP2
import TestSupport
import Testing

@Suite("HTTP/2 flow control")
struct FlowControlTests {
  private func pair(streamWindow: Int, connectionWindow: Int) throws -> Pair {
    var settings = HTTP2Settings()
    settings.streamWindowBytes = streamWindow
    settings.connectionWindowBytes = connectionWindow
    let pair = try Pair(server: settings)
    pair.server.takesAtOnce = false
    return pair
  }

  // Spec: W84 (stream window given back as the application takes bytes)
  @Test("A stream gets no more than its window until its reader takes bytes")
  func streamWindow() throws {
    let pair = try pair(streamWindow: 1_000, connectionWindow: 100_000)
    try pair.settle()
    try pair.client.open(body: bytes(2_500))

    try pair.settle()
    let stream = pair.server.streams[0]
    #expect(stream.body.count == 1_000)
    stream.take(from: pair.server.session)
    try pair.settle()
    #expect(stream.body.count == 2_000)
    stream.take(from: pair.server.session)
    try pair.settle()

    #expect(stream.body == bytes(2_500))
    #expect(stream.events.last == .endOfStream)
  }

  // Spec: W84 (connection window refilled on receipt)
  @Test("Streams that nobody reads take nothing from the connection's window")
  func connectionWindow() throws {
    let pair = try pair(streamWindow: 60_000, connectionWindow: 100_000)
    try pair.settle()

    for _ in 0..<20 { try pair.client.open(body: bytes(60_000)) }
    try pair.settle()

    #expect(pair.server.streams.map(\.body.count) == Array(repeating: 60_000, count: 20))
  }

  @Test("A window larger than HTTP/2's own is announced and used")
  func largeWindows() throws {
    let pair = try pair(streamWindow: 300_000, connectionWindow: 500_000)

    let frames = try pair.server.pullFrames()
    try pair.client.receive(frames)
    try pair.client.open(body: bytes(300_001))
    let sent = Frame.all(in: try pair.client.pull())

    #expect(frames.first?.value(of: .initialWindowSize) == 300_000)
    #expect(frames.contains(.windowUpdate(by: 500_000 - 65_535)))
    #expect(sent.filter { $0.kind == .data }.map(\.payload.count).reduce(0, +) == 300_000)
  }

  // Spec: W33 (PROTOCOL-HTTP2, padding counts wholly against flow control)
  @Test("Padding counts in the windows, and both get it back")
  func padding() throws {
    let server = try Endpoint(.server)
    try server.receive(Frame.clientPreface)
    try server.receive([.settings([:]), .headers(.request("/a/b"))])
    _ = try server.pull()

    // 600 KB in all, most of it padding: more than the stream's window of 256 KiB by far.
    let padded = Frame(.data, flags: .padded, on: 1, [200] + bytes(10) + bytes(200))
    var credit: (stream: Int, connection: Int) = (0, 0)
    for _ in 0..<3_000 {
      try server.receive([padded])
      for frame in try server.pullFrames() where frame.kind == .windowUpdate {
        if frame.streamID == 0 { credit.connection += Int(frame.number(at: 0)) }
        if frame.streamID == 1 { credit.stream += Int(frame.number(at: 0)) }
      }
    }

    let sent = 3_000 * padded.payload.count
    #expect(server.streams[0].body.count == 30_000)
    #expect(server.streams[0].closeCodes.isEmpty)
    // All but what is not yet worth a frame: half a window.
    #expect(credit.stream > sent - (128 << 10) && credit.stream <= sent)
    #expect(credit.connection > sent - (512 << 10) && credit.connection <= sent)
  }

  // Spec: W33 (PROTOCOL-HTTP2, padding counts wholly against flow control)
  // Spec: W84 (RFC 9113, 6.9.1: what is ignored counts for the connection)
  @Test("Credit for data, for padding and for data that nobody wants any more adds up, to the byte")
  func creditAddsUp() throws {
    let server = try Endpoint(.server)
    try server.receive(Frame.clientPreface)
    try server.receive([.settings([:]), .headers(.request("/a/b"), on: 1)])
    try server.receive([.headers(.request("/a/b"), on: 3), .reset(.cancel, on: 3)])
    _ = try server.pull()
    // Of each the same, so that none of them comes to half a window before the others.
    let frames = [
      Frame.data(bytes(6_000), on: 1),
      Frame(.data, flags: .padded, on: 1, [200] + bytes(100) + bytes(200)),
      .data(bytes(6_000), on: 3),
    ]
    var credit: [UInt32: Int] = [:]
    var sent: [UInt32: Int] = [:]

    for _ in 0..<1_000 {
      for frame in frames {
        try server.receive([frame])
        sent[frame.streamID, default: 0] += frame.payload.count
        for update in try server.pullFrames() where update.kind == .windowUpdate {
          credit[update.streamID, default: 0] += Int(update.number(at: 0))
        }
        let stream = sent[1, default: 0] - credit[1, default: 0]
        let connection = sent.values.reduce(0, +) - credit[0, default: 0]
        try #require((0..<(128 << 10)).contains(stream), "\(stream) bytes on the stream")
        try #require((0..<(512 << 10)).contains(connection), "\(connection) bytes in all")
      }
    }
  }

  @Test("A peer that sends more than the window has its stream or connection ended")
  func overrun() throws {
    let pair = try pair(streamWindow: 1_000, connectionWindow: 100_000)
    let server = pair.server
    try server.receive(Frame.clientPreface)
    try server.receive([.settings([:]), .headers(.request("/a/b"))])
    _ = try server.pull()
    try server.receive([.settingsAcknowledgement, .data(bytes(1_001))])

    let frames = try server.pullFrames()

    #expect(frames.contains { $0.errorCode == .flowControlError })
  }

  @Test("What a closed stream had not read does not shrink the connection's window")
  func closedStreams() throws {
    let pair = try pair(streamWindow: 60_000, connectionWindow: 100_000)
    try pair.settle()

    for _ in 0..<30 {
      let request = try pair.client.open(body: bytes(60_000))
      try pair.settle()
      pair.client.session.reset(request, errorCode: Code.cancel)
      try pair.settle()
    }
    try pair.client.open(body: bytes(60_000))
    try pair.settle()

    #expect(pair.server.streams.last?.body.count == 60_000)
  }

  @Test("DATA that comes after a reset gives its connection window back as well")
  func dataAfterReset() throws {
    let pair = try pair(streamWindow: 60_000, connectionWindow: 100_000)
    try pair.settle()

    for _ in 0..<30 {
      try pair.client.open(end: false)
      try pair.settle()
      let request = pair.client.streams[pair.client.streams.count - 1]
      pair.server.session.reset(pair.server.streams.last!, errorCode: Code.cancel)
      _ = try pair.server.pull()  // lost on the way: the client goes on
      pair.client.send(bytes(60_000), on: request)
      try pair.settle()
      pair.client.session.reset(request, errorCode: Code.cancel)
      try pair.settle()
    }
    try pair.client.open(body: bytes(60_000))
    try pair.settle()

    #expect(pair.server.streams.last?.body.count == 60_000)
  }

  @Test("Credit for a stream that is closed is no error")
  func lateCredit() throws {
    let pair = try pair(streamWindow: 60_000, connectionWindow: 100_000)
    let request = try pair.client.open(body: bytes(50_000), end: false)
    try pair.settle()
    pair.client.session.reset(request, errorCode: Code.cancel)
    try pair.settle()

    pair.server.streams[0].take(from: pair.server.session)
    pair.server.session.consume(0, of: pair.server.streams[0])

    #expect(try pair.server.pull().isEmpty)
  }
}
