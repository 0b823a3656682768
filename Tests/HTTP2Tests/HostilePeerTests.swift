import TernHTTP2
import TestSupport
import Testing

@Suite("HTTP/2 peers that break the rules")
struct HostilePeerTests {
  private func greetedServer() throws -> Endpoint {
    let server = try Endpoint(.server)
    try server.receive(Frame.clientPreface)
    try server.receive([.settings([:])])
    _ = try server.pull()
    try server.receive([.settingsAcknowledgement])
    return server
  }

  @Test(
    "Bytes that are not HTTP/2 end the connection, and the error says so",
    arguments: ["GET / HTTP/1.1\r\n\r\n", "\u{16}\u{03}\u{01}", "PRI * HTTP/2.0\r\n\r\nXX"])
  func wrongPreface(text: String) throws {
    let server = try Endpoint(.server)

    let error = try #require(throws: HTTP2Error.self) { try server.receive(text.utf8) }

    #expect(error.isWrongPreface)
    #expect("\(error)".contains("preface") || "\(error)".contains("magic"))
  }

  @Test("A preface that is not followed by SETTINGS ends the connection")
  func noSettings() throws {
    let server = try Endpoint(.server)
    try server.receive(Frame.clientPreface)
    var failure: HTTP2Error?

    do { try server.receive([.ping()]) } catch let error as HTTP2Error { failure = error }
    let frames = try server.pullFrames()

    #expect(failure != nil || frames.contains { $0.kind == .goAway })
    #expect(failure?.isWrongPreface != true)
  }

  @Test("Garbage after the preface ends the connection with GOAWAY, without a trap")
  func garbage() throws {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<200 {
      let server = try greetedServer()
      try server.receive([.headers(.request("/a/b"))])
      do {
        // A frame of unknown type is legal, and only skipped.
        for _ in 0..<20 { try server.receive(generator.bytes(atMost: 1_000)) }
        _ = try server.pull()
      } catch is HTTP2Error {
        continue
      }
      server.session.closeAllStreams(errorCode: Code.cancel)
      #expect(server.session.openStreamCount == 0)
    }
  }

  @Test("Frames of every kind with random contents neither trap nor leave streams behind")
  func randomFrames() throws {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<200 {
      let server = try greetedServer()
      do {
        for _ in 0..<100 {
          try server.receive([randomFrame(using: &generator)])
          for stream in server.streams where stream.closeCodes.isEmpty {
            if UInt8.random(in: 0...255, using: &generator) < 40 {
              try? server.answer(stream, body: bytes(100))
            }
          }
          _ = try server.pull()
        }
      } catch is HTTP2Error {}
      server.session.closeAllStreams(errorCode: Code.cancel)
      #expect(server.session.openStreamCount == 0)
      #expect(server.streams.allSatisfy { $0.closeCodes.count == 1 })
    }
  }

  private func randomFrame(using generator: inout SeededGenerator) -> Frame {
    let id = UInt32.random(in: 0...9, using: &generator)
    let flags = Frame.Flags(rawValue: UInt8.random(in: 0...255, using: &generator))
    switch Int.random(in: 0...9, using: &generator) {
    case 0...3: return .headers(.request("/a/b"), on: id, endStream: Bool.random(using: &generator))
    case 4: return .data(bytes(Int.random(in: 0...100, using: &generator)), on: id)
    case 5: return .reset(.cancel, on: id)
    case 6: return .windowUpdate(by: UInt32.random(in: 0...100, using: &generator), on: id)
    default:
      let kind = Frame.Kind(UInt8.random(in: 0...10, using: &generator))
      let count = Int.random(in: 0...40, using: &generator)
      return Frame(
        kind, flags: flags, on: id,
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
  }

  // Spec: W9 (RFC 9113, 8.2.2; connection-specific fields are malformed)
  @Test(
    "A malformed head resets its stream with PROTOCOL_ERROR, and the connection lives",
    arguments: [
      HeaderField("connection", "keep-alive"), HeaderField("X-Upper", "1"),
      HeaderField("transfer-encoding", "chunked"), HeaderField(":path", "/twice"),
      HeaderField("x-bad", [0x61, 0x00, 0x62]),
    ])
  func malformedHead(field: HeaderField) throws {
    let server = try greetedServer()

    try server.receive([.headers(.request("/a/b") + [field], on: 1)])
    let frames = try server.pullFrames()
    try server.receive([.headers(.request("/a/b"), on: 3, endStream: true)])

    #expect(frames == [.reset(.protocolError)])
    try #require(server.streams.count == 2)
    #expect(server.streams[0].closeCodes == [Code.protocolError])
    #expect(!server.streams[0].events.contains { if case .fieldsEnd = $0 { true } else { false } })
    let end = RecordedStream.Event.fieldsEnd(endOfStream: true, isTooLarge: false)
    #expect(server.streams[1].events.last == end)
  }

  // Spec: W82 (RFC 9113, 5.1)
  @Test("DATA on a stream that was never opened ends the connection")
  func idleStream() throws {
    let server = try greetedServer()

    try server.receive([.data([1], on: 5)])
    let frames = try server.pullFrames()

    #expect(frames.last?.kind == .goAway)
    #expect(frames.last?.errorCode == .protocolError)
    #expect(server.session.isOver)
  }

  // Spec: W83 (RFC 9113, 5.3.2: priorities mean nothing)
  @Test("Priorities change nothing, before a stream and on it")
  func priorities() throws {
    let server = try greetedServer()
    let priority = bigEndian(UInt32(0x8000_0003)) + [255]
    let head = HeaderField.encode(.request("/a/b"))
    let flags: Frame.Flags = [.endHeaders, .endStream, .priority]

    try server.receive([
      Frame(.priority, on: 1, priority), Frame(.headers, flags: flags, on: 1, priority + head),
      Frame(.priority, on: 1, priority),
    ])
    try server.answer(try #require(server.streams.first))
    let frames = try server.pullFrames()

    #expect(frames.map(\.kind) == [.headers, .headers])
    #expect(server.streams[0].closeCodes == [Code.noError])
  }

  @Test("A peer that never reads the answers to its PINGs or SETTINGS is cut off")
  func floods() throws {
    for frame in [Frame.ping(), .settings([:])] {
      let server = try greetedServer()

      #expect(throws: HTTP2Error.self) {
        for _ in 0..<100_000 { try server.receive([frame]) }
      }
    }
  }

  @Test("A client that opens and resets streams without end is cut off")
  func rapidReset() throws {
    let server = try greetedServer()
    var frames: [Frame] = []

    for id in stride(from: UInt32(1), to: 10_000, by: 2) where frames.last?.kind != .goAway {
      try server.receive([.headers(.request("/a/b"), on: id), .reset(.cancel, on: id)])
      frames = try server.pullFrames()
    }

    #expect(frames.last?.kind == .goAway)
    #expect(server.session.isOver)
    #expect(server.streams.allSatisfy { $0.closeCodes == [Code.cancel] })
  }

  // Spec: W31 (a hard stop for CONTINUATION)
  @Test("A header block without end is cut off")
  func endlessContinuation() throws {
    let server = try greetedServer()
    try server.receive([Frame(.headers, on: 1, HeaderField.encode(.request("/a/b")))])
    let part = HeaderField.encode([HeaderField("x-more", String(repeating: "v", count: 10_000))])

    #expect(throws: HTTP2Error.self) {
      for _ in 0..<100 { try server.receive([Frame(.continuation, on: 1, part)]) }
    }
    #expect(server.streams[0].fields.joined().utf8.count < 20_000)
  }
}
