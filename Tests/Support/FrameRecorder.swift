/// Makes frames of the bytes that one side of a connection sends, and keeps what they say.
final class FrameRecorder {
  private let decoder = HeaderBlockDecoder()
  private var block: [UInt8] = []
  /// What is not a whole frame yet.
  var rest: [UInt8] = []
  var seen = Conversation()

  struct Failure: Error {
    var problem: String
  }

  /// Takes the whole frames out of `rest`; hands each on when it is noted.
  func takeFrames(_ each: (Frame) throws -> Void = { _ in }) throws {
    var start = 0
    defer { rest.removeFirst(start) }
    while rest.count - start >= 9 {
      let head = rest[start..<start + 9]
      let length = head.prefix(3).reduce(0) { $0 << 8 | Int($1) }
      guard rest.count - start >= 9 + length else { break }
      let streamID = head.dropFirst(5).reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
      let frame = Frame(
        Frame.Kind(rest[start + 3]), flags: Frame.Flags(rawValue: rest[start + 4]),
        on: streamID, Array(rest[start + 9..<start + 9 + length]))
      start += 9 + length
      try note(frame)
      try each(frame)
    }
  }

  private func note(_ frame: Frame) throws {
    seen.transcript.append("<- \(frame)")
    var fields: [HeaderField]?
    if frame.kind == .headers || frame.kind == .continuation {
      block += frame.content
      if frame.flags.contains(.endHeaders) {
        fields = decoder.decode(block)
        block = []
        guard let fields else { throw Failure(problem: "A header block that HPACK cannot read.") }
        seen.transcript.append(contentsOf: fields.map { "     \($0)" })
      }
    }
    seen.note(frame, fields: fields)
  }
}
