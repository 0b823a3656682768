internal import TestSupport

/// How a message is cut into DATA frames.
struct DataShape {
  var contentBytes: Int
  /// `nil`: the frames are not of the padded kind.
  var paddingBytes: UInt8?

  /// The largest that every client takes.
  static let usual = DataShape(contentBytes: 16_384)

  func frame(_ content: some Collection<UInt8>, on streamID: Frame.StreamID) -> Frame {
    guard let paddingBytes else { return Frame(.data, on: streamID, Array(content)) }
    let padding = [UInt8](repeating: 0, count: Int(paddingBytes))
    return Frame(.data, flags: .padded, on: streamID, [paddingBytes] + content + padding)
  }

  /// What such a frame takes from the windows: the padding and its length count as well.
  ///
  /// Source: RFC 9113, section 6.9.1
  func cost(contentBytes: Int) -> Int {
    contentBytes + (paddingBytes.map { Int($0) + 1 } ?? 0)
  }
}

/// What one side has sent of DATA, against what the other one has allowed.
struct SendWindow {
  private var sentBytes = 0
  private var sentBytesOfStream: [Frame.StreamID: Int] = [:]

  /// So much is sent at once, to read what the other side says in between.
  private static let batchBytes = 32 << 10

  /// Sends DATA as the windows allow. Stops when the other side has reset the stream.
  mutating func send(
    _ bytes: ArraySlice<UInt8>, on streamID: Frame.StreamID, _ shape: DataShape,
    by peer: ScriptedPeer
  ) throws {
    // Of 60,000 small frames each is made once and not from its parts.
    let template = shape.frame([UInt8](repeating: 0, count: shape.contentBytes), on: streamID)
      .encoded
    let contentOffset = shape.paddingBytes == nil ? 9 : 10
    var rest = bytes
    while !rest.isEmpty {
      let needed = shape.cost(contentBytes: min(shape.contentBytes, rest.count))
      let window = self
      try peer.wait(for: "credit for \(needed) bytes of DATA") {
        window.room(on: streamID, $0) >= needed || $0[streamID].resetCode != nil
      }
      if peer.seen[streamID].resetCode != nil { return }

      var room = room(on: streamID, peer.seen)
      var batch: [UInt8] = []
      while !rest.isEmpty, batch.count < Self.batchBytes {
        let content = rest.prefix(shape.contentBytes)
        let cost = shape.cost(contentBytes: content.count)
        guard cost <= room else { break }
        if content.count == shape.contentBytes {
          let start = batch.count + contentOffset
          batch += template
          batch.replaceSubrange(start..<start + content.count, with: content)
        } else {
          batch += shape.frame(content, on: streamID).encoded
        }
        rest = rest.dropFirst(content.count)
        room -= cost
        sentBytes += cost
        sentBytesOfStream[streamID, default: 0] += cost
      }
      try peer.send(bytes: batch)
    }
  }

  private func room(on streamID: Frame.StreamID, _ seen: Conversation) -> Int {
    let initial = Int(seen.settings[.initialWindowSize] ?? 65_535)
    let ofStream =
      initial + seen.windowUpdates[streamID, default: 0]
      - sentBytesOfStream[streamID, default: 0]
    return min(ofStream, 65_535 + seen.windowUpdates[0, default: 0] - sentBytes)
  }
}
