/// One end of an HTTP/2 connection that does what a script says, right or wrong.
///
/// Beside the script it does what every peer does, unless told otherwise: it acknowledges SETTINGS,
/// answers PING and gives window credit back. It waits with a limit, so that a test fails and does
/// not hang. One thread at a time may use it.
package final class ScriptedPeer {
  package struct Complaint: Error, CustomStringConvertible {
    package var problem: String
    package var transcript: [String]

    package var description: String {
      ([problem, "The connection so far ('->' is the script's side):"] + transcript)
        .joined(separator: "\n  ")
    }
  }

  package static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  let socket: BlockingSocket
  private var reader = FrameReader()
  private let waitLimit: Duration

  /// What has come from the other side.
  package private(set) var seen = Conversation()
  /// Whether it acknowledges SETTINGS, answers PING and gives window credit back.
  package var isPolite = true

  init(_ socket: BlockingSocket, waitLimit: Duration) {
    self.socket = socket
    self.waitLimit = waitLimit
  }

  // MARK: Sending

  /// Sends each frame in a packet of its own, however small, and does not wait for others to share it.
  package func sendAtOnce() { socket.sendAtOnce() }

  package func send(_ frame: Frame) throws {
    seen.transcript.append("-> \(frame)")
    try socket.send(frame.encoded)
  }

  package func send(bytes: [UInt8]) throws {
    seen.transcript.append("-> \(bytes.count) bytes")
    try socket.send(bytes)
  }

  package func close() {
    seen.transcript.append("-> close")
    socket.stop()
  }

  package func vanish() {
    seen.transcript.append("-> vanish")
    socket.vanish()
  }

  package func finishSending() {
    seen.transcript.append("-> end of stream")
    socket.finishSending()
  }

  // MARK: Receiving

  /// Reads until `condition` holds for what has come.
  package func wait(for what: String, until condition: (Conversation) -> Bool) throws {
    let deadline = ContinuousClock.now + waitLimit
    while !condition(seen) {
      guard seen.end == nil else { throw complaint("Waited for \(what); the connection ended.") }
      guard try receive(until: deadline) else {
        throw complaint("Waited for \(what) in vain, for \(waitLimit).")
      }
    }
  }

  /// Reads the client's connection preface.
  package func readPreface() throws {
    let deadline = ContinuousClock.now + waitLimit
    while reader.rest.count < Self.preface.count {
      switch try socket.receive(until: deadline) {
      case .bytes(let bytes): reader.append(bytes)
      case .end, .nothing: throw complaint("Waited for the connection preface; got \(reader.rest).")
      }
    }
    guard reader.takePreface() else {
      throw complaint("Not a connection preface: \(reader.rest.prefix(Self.preface.count))")
    }
  }

  /// Reads on, noting what comes, until the other side closes or `socket` is stopped from here.
  func readToEnd(limit: Duration) throws {
    let deadline = ContinuousClock.now + limit
    while seen.end == nil, try receive(until: deadline) {}
  }

  package func complaint(_ problem: String) -> Complaint {
    Complaint(problem: problem, transcript: seen.transcript)
  }

  /// - Returns: whether something came before `deadline`.
  private func receive(until deadline: ContinuousClock.Instant) throws -> Bool {
    switch try socket.receive(until: deadline) {
    case .nothing: return false
    case .end(let wasReset):
      seen.end = wasReset ? .reset : .closed
      seen.transcript.append(wasReset ? "<- reset of the connection" : "<- close")
    case .bytes(let bytes):
      reader.append(bytes)
      for frame in reader.frames() { try take(frame) }
    }
    return true
  }

  private func take(_ frame: Frame) throws {
    seen.transcript.append("<- \(frame)")
    var fields: [HeaderField]?
    switch reader.block(endedBy: frame) {
    case .none: break
    case .unreadable: throw complaint("A header block that HPACK cannot read.")
    case .fields(let read):
      fields = read
      seen.transcript.append(contentsOf: read.map { "     \($0)" })
    }
    seen.note(frame, fields: fields)
    if isPolite { try answer(frame) }
  }

  private func answer(_ frame: Frame) throws {
    let isAcknowledgement = frame.flags.contains(.acknowledge)
    do {
      switch frame.kind {
      case .settings where !isAcknowledgement: try send(.settingsAcknowledgement)
      case .ping where !isAcknowledgement:
        try send(Frame(.ping, flags: .acknowledge, frame.payload))
      case .data where !frame.payload.isEmpty:
        let credit = UInt32(frame.payload.count)
        try send(.windowUpdate(by: credit))
        if !frame.flags.contains(.endStream) {
          try send(.windowUpdate(by: credit, on: frame.streamID))
        }
      default: break
      }
    } catch is BlockingSocket.Failure {
      // The other side has closed meanwhile; the next read tells how.
    }
  }
}
