/// What a peer has seen of the other side so far.
package struct Conversation: Sendable {
  package struct Stream: Sendable {
    /// The header blocks, in their order: a response has its head and its trailers.
    package var heads: [[HeaderField]] = []
    package var body: [UInt8] = []
    package var hasEnded = false
    package var resetCode: ErrorCode?

    package var isOver: Bool { hasEnded || resetCode != nil }
    package var head: [HeaderField] { heads.first ?? [] }
    /// The last header block, which of a trailers-only answer is also its first.
    package var trailers: [HeaderField] { heads.last ?? [] }

    package var httpStatus: String? { head.first(":status") }
    package var grpcStatus: Int? { trailers.first("grpc-status").flatMap { Int($0) } }
    package var grpcMessage: String? { trailers.first("grpc-message") }

    /// The payloads of the whole messages in the body.
    package var messages: [[UInt8]] { framedMessages.map(\.payload) }
    /// Their flags: 1 where the message is compressed.
    package var flags: [UInt8] { framedMessages.map { $0.isCompressed ? 1 : 0 } }

    /// The whole messages in the body, each as it travelled.
    package var framedMessages: [Message] {
      var messages: [Message] = []
      var rest = body[...]
      while rest.count >= 5 {
        let length = rest.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard rest.count >= 5 + length else { break }
        let payload = Array(rest.dropFirst(5).prefix(length))
        messages.append(Message(isCompressed: rest.first! & 1 == 1, payload: payload))
        rest = rest.dropFirst(5 + length)
      }
      return messages
    }
  }

  package struct Message: Sendable, Hashable {
    package var isCompressed: Bool
    package var payload: [UInt8]
  }

  package enum End: Sendable, Hashable { case closed, reset }

  package var streams: [Frame.StreamID: Stream] = [:]
  package var goAways: [(lastStreamID: Frame.StreamID, code: ErrorCode, debug: String)] = []
  package var settings: [Frame.Setting: UInt32] = [:]
  package var hasSettings = false
  package var acknowledgedSettings = 0
  package var pings: [[UInt8]] = []
  package var answeredPings: [[UInt8]] = []
  /// What WINDOW_UPDATE frames have added, by stream; 0 is the connection.
  package var windowUpdates: [Frame.StreamID: Int] = [:]
  /// How the other side ended the connection; `nil` while it has not.
  package var end: End?
  /// Every frame of both sides, one a line, as seen from here.
  package var transcript: [String] = []

  /// What is known of one stream.
  package subscript(streamID: Frame.StreamID) -> Stream { streams[streamID] ?? Stream() }

  /// How many bytes the other side has allowed on a stream since its beginning, if that stream is
  /// the only one.
  package func window(on streamID: Frame.StreamID) -> Int {
    let initial = Int(settings[.initialWindowSize] ?? 65_535)
    return min(initial + windowUpdates[streamID, default: 0], 65_535 + windowUpdates[0, default: 0])
  }

  mutating func note(_ frame: Frame, fields: [HeaderField]?) {
    switch frame.kind {
    case .headers, .continuation:
      if let fields { streams[frame.streamID, default: Stream()].heads.append(fields) }
    case .data: streams[frame.streamID, default: Stream()].body += frame.content
    case .reset: streams[frame.streamID, default: Stream()].resetCode = frame.errorCode
    case .settings: noteSettings(frame)
    case .ping where frame.flags.contains(.acknowledge): answeredPings.append(frame.payload)
    case .ping: pings.append(frame.payload)
    case .windowUpdate:
      windowUpdates[frame.streamID, default: 0] += Int(frame.number(at: 0) & 0x7FFF_FFFF)
    case .goAway:
      let debug = String(decoding: frame.payload.dropFirst(8), as: UTF8.self)
      let lastStreamID = frame.number(at: 0) & 0x7FFF_FFFF
      goAways.append((lastStreamID, frame.errorCode ?? .noError, debug))
    default: break
    }
    if frame.kind == .headers || frame.kind == .data, frame.flags.contains(.endStream) {
      streams[frame.streamID, default: Stream()].hasEnded = true
    }
  }

  private mutating func noteSettings(_ frame: Frame) {
    if frame.flags.contains(.acknowledge) {
      acknowledgedSettings += 1
      return
    }
    hasSettings = true
    for offset in stride(from: 0, to: frame.payload.count - 5, by: 6) {
      let number = UInt16(frame.payload[offset]) << 8 | UInt16(frame.payload[offset + 1])
      settings[Frame.Setting(number)] = frame.number(at: offset + 2)
    }
  }
}
