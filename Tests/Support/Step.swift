/// One line of a peer's script.
package struct Step: Sendable, CustomStringConvertible {
  package let description: String
  let run: @Sendable (ScriptedPeer) throws -> Void

  /// - Parameter description: for reports: "waits for …", "sends …".
  package init(_ description: String, _ run: @escaping @Sendable (ScriptedPeer) throws -> Void) {
    self.description = description
    self.run = run
  }
}

extension Step {
  /// The same, where the other side may have closed by then: what a later step waits for tells.
  package var unlessClosed: Step {
    Step(description) { peer in
      do { try run(peer) } catch is BlockingSocket.Failure {}
    }
  }
}

// MARK: What a peer sends

extension Step {
  package static func send(_ frame: Frame) -> Step { Step("\(frame)") { try $0.send(frame) } }

  package static func bytes(_ bytes: [UInt8]) -> Step {
    Step("\(bytes.count) bytes") { try $0.send(bytes: bytes) }
  }

  package static func text(_ text: String) -> Step { bytes(Array(text.utf8)) }

  /// What opens a client's side: the preface and SETTINGS.
  package static let preface = Step("preface") {
    try $0.send(bytes: ScriptedPeer.preface)
    try $0.send(.settings([:]))
  }

  /// What opens a server's side: SETTINGS, once the client's preface is here.
  package static func settings(_ values: KeyValuePairs<Frame.Setting, UInt32> = [:]) -> Step {
    let frame = Frame.settings(values)
    return Step("SETTINGS") {
      try $0.readPreface()
      try $0.send(frame)
    }
  }

  package static func headers(
    _ fields: [HeaderField], on streamID: Frame.StreamID = 1, endStream: Bool = false
  ) -> Step {
    send(.headers(fields, on: streamID, endStream: endStream))
  }

  package static func data(
    _ bytes: [UInt8], on streamID: Frame.StreamID = 1, endStream: Bool = false
  ) -> Step {
    send(.data(bytes, on: streamID, endStream: endStream))
  }

  package static func message(
    _ payload: [UInt8], on streamID: Frame.StreamID = 1, endStream: Bool = false
  ) -> Step {
    send(.message(payload, on: streamID, endStream: endStream))
  }

  /// The head of a gRPC answer.
  package static func head(on streamID: Frame.StreamID = 1) -> Step {
    headers(.response, on: streamID)
  }

  /// The end of a gRPC answer that has a head.
  package static func trailers(
    _ status: Int, _ message: String? = nil, on streamID: Frame.StreamID = 1
  ) -> Step {
    headers(.trailers(status, message), on: streamID, endStream: true)
  }

  /// A whole unary answer.
  package static func answer(_ payload: [UInt8], on streamID: Frame.StreamID = 1) -> Step {
    Step("answer on \(streamID)") {
      try $0.send(.headers(.response, on: streamID))
      try $0.send(.message(payload, on: streamID))
      try $0.send(.headers(.trailers(0), on: streamID, endStream: true))
    }
  }

  package static func reset(_ code: ErrorCode, on streamID: Frame.StreamID = 1) -> Step {
    send(.reset(code, on: streamID))
  }

  package static func goAway(
    lastStreamID: Frame.StreamID, _ code: ErrorCode = .noError, debug: String = ""
  ) -> Step {
    send(.goAway(lastStreamID: lastStreamID, code, debug: debug))
  }

  /// Closes in good order: FIN.
  package static let close = Step("close") { $0.close() }
  /// Is gone without a word: RST.
  package static let vanish = Step("vanish") { $0.vanish() }
  /// Says that no more comes, but goes on reading.
  package static let finishSending = Step("end of stream") { $0.finishSending() }
  /// From here on SETTINGS and PING stay unanswered, and no window credit is given.
  package static let beImpolite = Step("be impolite") { $0.isPolite = false }
}

// MARK: What a peer waits for

extension Step {
  package static func wait(
    for what: String, until condition: @escaping @Sendable (Conversation) -> Bool
  ) -> Step {
    Step("wait for \(what)") { try $0.wait(for: what, until: condition) }
  }

  /// The head of a call, and nothing more of it.
  package static func request(on streamID: Frame.StreamID = 1) -> Step {
    wait(for: "HEADERS on \(streamID)") { !$0[streamID].heads.isEmpty }
  }

  /// The end of what the other side sends on a stream, whichever way.
  package static func end(of streamID: Frame.StreamID = 1) -> Step {
    wait(for: "the end of \(streamID)") { $0[streamID].isOver }
  }

  /// So many whole messages.
  package static func messages(_ count: Int, on streamID: Frame.StreamID = 1) -> Step {
    wait(for: "\(count) messages on \(streamID)") { $0[streamID].messages.count >= count }
  }

  package static func resetOf(_ streamID: Frame.StreamID) -> Step {
    wait(for: "RST_STREAM on \(streamID)") { $0[streamID].resetCode != nil }
  }

  package static let otherSettings = wait(for: "SETTINGS") { $0.hasSettings }
  package static let otherGoAway = wait(for: "GOAWAY") { !$0.goAways.isEmpty }
  package static let otherClose = wait(for: "the end of the connection") { $0.end != nil }
}
