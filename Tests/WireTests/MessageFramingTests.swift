import TernBytes
import TernCore
import TernWire
import TestSupport
import Testing

@Suite("Message framer")
struct MessageFramerTests {
  // Spec: W33 (PROTOCOL-HTTP2, Length-Prefixed-Message)
  @Test("Each message stands behind its flag and length, several in one buffer")
  func prefix() throws {
    let buffer = ByteBuffer()

    let first = MessageFramer.begin(in: buffer)
    buffer.append(contentsOf: [0xA, 0xB])
    try MessageFramer.end(in: buffer, at: first, isCompressed: false)
    let second = MessageFramer.begin(in: buffer)
    buffer.append(contentsOf: [UInt8](repeating: 7, count: 258))
    try MessageFramer.end(in: buffer, at: second, isCompressed: true)

    #expect(buffer.bytes.prefix(7) == [0, 0, 0, 0, 2, 0xA, 0xB])
    #expect(buffer.bytes[7..<12] == [1, 0, 0, 1, 2])
    #expect(buffer.count == 7 + 5 + 258)
    #expect(MessageFramer.prefixBytes == 5)
  }

  // Spec: W34 (PROTOCOL-HTTP2: a message of length zero is a message)
  @Test("An empty message is a prefix of zeros")
  func empty() throws {
    let buffer = ByteBuffer()

    try MessageFramer.end(
      in: buffer, at: MessageFramer.begin(in: buffer), isCompressed: false)

    #expect(buffer.bytes == [0, 0, 0, 0, 0])
  }

  @Test("A prefix lies right when bytes were taken from the front before")
  func takenBefore() throws {
    let buffer = ByteBuffer()
    buffer.append("taken, kept")
    buffer.removeFirst(7)

    let offset = MessageFramer.begin(in: buffer)
    buffer.append(byte: 0xA)
    try MessageFramer.end(in: buffer, at: offset, isCompressed: false)

    #expect(buffer.bytes == Array("kept".utf8) + [0, 0, 0, 0, 1, 0xA])
  }

  // Spec: W37 (send limits: refused here, before anything is sent)
  @Test("A message over the limit is refused and cut off; what stood before it stays")
  func tooLarge() throws {
    let buffer = ByteBuffer()
    buffer.append("before")

    let offset = MessageFramer.begin(in: buffer)
    buffer.append(contentsOf: [1, 2, 3, 4])

    let error = #expect(throws: FramingError.self) {
      try MessageFramer.end(in: buffer, at: offset, isCompressed: false, maxPayloadBytes: 3)
    }
    #expect(error == .messageTooLargeToSend(bytes: 4, limitBytes: 3))
    #expect(error?.status.code == .resourceExhausted)
    #expect(error?.status.message.contains("4 bytes; the limit is 3 bytes") == true)
    #expect(buffer.bytes == Array("before".utf8))
  }
}

@Suite("Message deframer")
struct MessageDeframerTests {
  // Spec: W33 (PROTOCOL-HTTP2, Length-Prefixed-Message)
  // Spec: W34 (PROTOCOL-HTTP2: a message of length zero is a message)
  @Test("Three messages come out whole, wherever two boundaries fall")
  func splitEverywhere() {
    let wire: [UInt8] = [0, 0, 0, 0, 3, 0xA, 0xB, 0xC, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0xD]
    for first in 0...wire.count {
      for second in first...wire.count {
        let reader = Reader(maxPayloadBytes: 3)

        reader.receive(wire[..<first])
        reader.receive(wire[first..<second])
        reader.receive(wire[second...])

        #expect(reader.messages == [[0xA, 0xB, 0xC], [], [0xD]])
        #expect(reader.flags == [false, false, true])
        #expect(reader.last == .incomplete(neededBytes: 5))
      }
    }
  }

  @Test("The needed bytes are those of the prefix first, then those of the whole message")
  func neededBytes() {
    let wire: [UInt8] = [0, 0, 0, 1, 0, 9]
    let buffer = ByteBuffer()
    buffer.append("before")

    for count in 0...wire.count {
      let peek = MessageDeframer.peek(buffer, at: 6, maxPayloadBytes: 256)
      #expect(peek == .incomplete(neededBytes: count < 5 ? 5 : 261))
      if count < wire.count { buffer.append(byte: wire[count]) }
    }
  }

  // Spec: W36 (statuscodes: larger than the limit)
  @Test("An oversized message is refused from its prefix alone")
  func oversized() {
    let buffer = ByteBuffer()
    let error = FramingError.messageTooLarge(announcedBytes: 4, limitBytes: 3)

    buffer.append(contentsOf: [0, 0, 0, 0])
    #expect(
      MessageDeframer.peek(buffer, at: 0, maxPayloadBytes: 3) == .incomplete(neededBytes: 5))
    buffer.append(byte: 4)
    #expect(MessageDeframer.peek(buffer, at: 0, maxPayloadBytes: 3) == .refused(error))

    #expect(error.status.code == .resourceExhausted)
    #expect(error.status.message.contains("4 bytes was announced; the limit is 3 bytes"))
    #expect(error.status.message.contains("maxResponseMessageBytes"))
  }

  @Test("The longest length that a prefix can say is refused, not believed")
  func longest() {
    let buffer = ByteBuffer()
    buffer.append(contentsOf: [0, 0xFF, 0xFF, 0xFF, 0xFF])

    #expect(
      MessageDeframer.peek(buffer, at: 0, maxPayloadBytes: 4 << 20)
        == .refused(.messageTooLarge(announcedBytes: 4_294_967_295, limitBytes: 4 << 20)))
  }

  // Spec: W35 (PROTOCOL-HTTP2, Compressed-Flag)
  @Test("A flag other than 0 and 1 is refused", arguments: [2, 3, 0x3C, 0x80, 0xFF] as [UInt8])
  func unknownFlag(flag: UInt8) {
    let buffer = ByteBuffer()
    buffer.append(contentsOf: [flag, 0, 0, 0, 0])

    let peek = MessageDeframer.peek(buffer, at: 0, maxPayloadBytes: 100)

    #expect(peek == .refused(.unknownFlag(flag)))
    #expect(FramingError.unknownFlag(flag).status.code == .internal)
    #expect(FramingError.unknownFlag(flag).status.message.contains("\(flag)"))
  }

  @Test("Random bytes never trap, and what is whole lies inside the buffer")
  func random() {
    var generator = SeededGenerator(seed: 33)
    for _ in 0..<20_000 {
      let buffer = ByteBuffer()
      buffer.append(contentsOf: generator.bytes(atMost: 40, from: [0, 0, 0, 0, 1, 2, 5, 0xFF]))
      let offset = Int.random(in: 0...buffer.count, using: &generator)

      switch MessageDeframer.peek(buffer, at: offset, maxPayloadBytes: 1_000) {
      case .whole(let payloadBytes, _): #expect(offset + 5 + payloadBytes <= buffer.count)
      case .incomplete(let neededBytes): #expect(buffer.count - offset < neededBytes)
      case .refused(let error): #expect(!error.status.isOK)
      }
    }
  }

  /// Takes messages out as soon as they are whole.
  private final class Reader {
    private let buffer = ByteBuffer()
    private let maxPayloadBytes: Int
    private(set) var messages: [[UInt8]] = []
    private(set) var flags: [Bool] = []
    private(set) var last = MessageDeframer.Peek.incomplete(neededBytes: 5)

    init(maxPayloadBytes: Int) { self.maxPayloadBytes = maxPayloadBytes }

    func receive(_ bytes: ArraySlice<UInt8>) {
      buffer.append(contentsOf: Array(bytes))
      last = MessageDeframer.peek(buffer, at: 0, maxPayloadBytes: maxPayloadBytes)
      while case .whole(let payloadBytes, let isCompressed) = last {
        unsafe messages.append(
          Array(buffer.slice(at: MessageFramer.prefixBytes, count: payloadBytes)))
        flags.append(isCompressed)
        buffer.removeFirst(MessageFramer.prefixBytes + payloadBytes)
        last = MessageDeframer.peek(buffer, at: 0, maxPayloadBytes: maxPayloadBytes)
      }
    }
  }
}
