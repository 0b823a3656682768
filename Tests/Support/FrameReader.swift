/// Cuts what one side of a connection sends into frames, and reads its header blocks.
struct FrameReader {
  private let decoder: HeaderBlockDecoder
  private var received: [UInt8] = []
  private var block: [UInt8] = []

  init(_ decoder: HeaderBlockDecoder = HeaderBlockDecoder()) { self.decoder = decoder }

  /// The bytes of a frame that is not yet whole.
  var rest: [UInt8] { received }

  mutating func append(_ bytes: [UInt8]) { received += bytes }

  /// Takes a connection preface, or nothing if there is another beginning.
  mutating func takePreface() -> Bool {
    guard received.starts(with: ScriptedPeer.preface) else { return false }
    received.removeFirst(ScriptedPeer.preface.count)
    return true
  }

  /// Takes all whole frames out.
  mutating func frames() -> [Frame] {
    var frames: [Frame] = []
    var start = 0
    while received.count - start >= 9 {
      let head = received[start..<start + 9]
      let length = head.prefix(3).reduce(0) { $0 << 8 | Int($1) }
      guard received.count - start >= 9 + length else { break }
      let streamID = head.dropFirst(5).reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
      frames.append(
        Frame(
          Frame.Kind(received[start + 3]), flags: Frame.Flags(rawValue: received[start + 4]),
          on: streamID, Array(received[start + 9..<start + 9 + length])))
      start += 9 + length
    }
    received.removeFirst(start)
    return frames
  }

  enum Block {
    /// Not a part of a header block, or not its last one.
    case none
    case fields([HeaderField])
    case unreadable
  }

  /// The header block that ends with this frame. Each frame once, in their order: HPACK has state.
  mutating func block(endedBy frame: Frame) -> Block {
    guard frame.kind == .headers || frame.kind == .continuation else { return .none }
    block += frame.content
    guard frame.flags.contains(.endHeaders) else { return .none }
    defer { block = [] }
    return decoder.decode(block).map(Block.fields) ?? .unreadable
  }
}
