import Testing

import TestSupport

/// The scripted peers play against each other: what one says, the other has to see.
@Suite("Scripted peers")
struct ScriptedPeerTests {
  @Test("A call and its answer are seen field by field and byte by byte")
  func call() async throws {
    let server = try ScriptedServer([
      .settings([.maxConcurrentStreams: 7]), .end(of: 1), .answer(Array("hello".utf8)),
    ])
    let long = String(repeating: "x", count: 300)

    let seen = try await play(
      to: server.port,
      [
        .preface, .headers(.request("/a.B/C").with("long", long)),
        .message([1, 2, 3], endStream: true), .end(of: 1),
      ])
    let heard = try await server.finish()[0]

    #expect(seen[1].heads == [.response, .trailers(0)])
    #expect(seen[1].messages == [Array("hello".utf8)])
    #expect(seen[1].grpcStatus == 0)
    #expect(seen.settings == [.maxConcurrentStreams: 7])
    #expect(heard[1].head == .request("/a.B/C").with("long", long))
    #expect(heard[1].messages == [[1, 2, 3]])
    #expect(heard.acknowledgedSettings == 1)
  }

  @Test("Bytes that stand alone are whole frames or parts of them")
  func splitFrames() async throws {
    let server = try ScriptedServer([.settings(), .end(of: 1)])
    let frame = Frame.headers(.request("/a.B/C"), endStream: true).encoded

    _ = try await play(to: server.port, [.preface] + frame.map { .bytes([$0]) } + [.otherSettings])
    let heard = try await server.finish()[0]

    #expect(heard[1].head == .request("/a.B/C"))
  }

  @Test("Each connection gets a script of its own")
  func connections() async throws {
    let server = try ScriptedServer(
      [.settings(), .request(), .goAway(lastStreamID: 0, .enhanceYourCalm, debug: "calm"), .close],
      [.settings(), .request(), .reset(.refusedStream)])
    let call: [Step] = [.preface, .headers(.request("/a.B/C"), endStream: true)]

    let first = try await play(to: server.port, call + [.otherClose])
    let second = try await play(to: server.port, call + [.end(of: 1)])
    let third = try await play(to: server.port, [.otherClose])

    #expect(first.goAways.map(\.debug) == ["calm"])
    #expect(first.end == .closed)
    #expect(second[1].resetCode == .refusedStream)
    #expect(third.transcript == ["<- close"])
  }

  @Test("Vanishing is a reset of the connection")
  func vanishing() async throws {
    let server = try ScriptedServer([.settings(), .request(), .vanish])

    let seen = try await play(
      to: server.port, [.preface, .headers(.request("/a.B/C")), .otherClose])

    #expect(seen.end == .reset)
  }

  @Test("What a script waits for in vain is reported with all that was said")
  func complaint() async throws {
    let server = try ScriptedServer([.settings(), .otherClose])

    let error = await #expect(throws: ScriptedPeer.Complaint.self) {
      try await play(
        to: server.port, waitLimit: .milliseconds(50),
        [.preface, .headers(.request("/a.B/C")), .end(of: 1)])
    }

    #expect(error?.problem.contains("the end of 1") == true)
    #expect(error?.transcript.contains("-> 1 HEADERS 108 END_HEADERS") == true, "\(error as Any)")
    #expect(error?.transcript.contains("<- 0 SETTINGS 0") == true)
  }
}
