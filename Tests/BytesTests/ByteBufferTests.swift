import TernBytes
import Testing

@Suite("Byte buffer")
struct ByteBufferTests {
  @Test("What is appended comes out in order, whatever is taken in between", arguments: 1...9)
  func queue(step: Int) {
    let buffer = ByteBuffer()
    var next: UInt8 = 0
    var expected: UInt8 = 0

    for _ in 0..<2_000 {
      for _ in 0..<step {
        buffer.append(byte: next)
        next &+= 1
      }
      // Leaves one byte behind each round, so that it slides and grows.
      for _ in 0..<(step - 1) {
        #expect(buffer.byte(at: 0) == expected)
        expected &+= 1
        buffer.removeFirst(1)
      }
    }

    #expect(buffer.count == 2_000)
    #expect(buffer.bytes.first == expected)
    #expect(buffer.bytes.last == next &- 1)
  }

  @Test("Taken memory is reused before it grows")
  func reuse() {
    let buffer = ByteBuffer()
    buffer.append(contentsOf: [UInt8](repeating: 1, count: 256))
    let capacity = buffer.capacity

    buffer.removeFirst(200)
    buffer.append(contentsOf: [UInt8](repeating: 2, count: 200))

    #expect(buffer.capacity == capacity)
    #expect(
      buffer.bytes == [UInt8](repeating: 1, count: 56) + [UInt8](repeating: 2, count: 200))
  }

  @Test("Empty appends, and a slice of nothing, are nothing")
  func empty() {
    let buffer = ByteBuffer()

    buffer.append(contentsOf: [])
    unsafe buffer.append(UnsafeRawBufferPointer(start: nil, count: 0))
    buffer.append("")
    buffer.removeFirst(0)
    buffer.truncate(to: 10)

    #expect(buffer.isEmpty)
    #expect(unsafe buffer.slice(at: 0, count: 0).count == 0)
    #expect(buffer.bytes == [])
  }

  @Test("Reserved bytes are the caller's to fill")
  func reserve() {
    let buffer = ByteBuffer()
    buffer.append(utf8: "ab")

    let place = unsafe buffer.reserve(2)
    unsafe place[0] = 0x63
    unsafe place[1] = 0x64

    #expect(buffer.bytes == Array("abcd".utf8))
  }

  @Test("Offsets count from the first byte that is still there")
  func offsets() {
    let buffer = ByteBuffer()
    buffer.append(contentsOf: Array(0..<10))
    buffer.removeFirst(3)

    buffer.overwrite(0xFF, at: 0)
    buffer.overwrite(bigEndian: 0x0102_0304, at: 1)

    #expect(buffer.bytes == [0xFF, 1, 2, 3, 4, 8, 9])
    #expect(buffer.bigEndian(at: 1) == 0x0102_0304)
    #expect(buffer.byte(at: 6) == 9)
    #expect(unsafe Array(buffer.slice(at: 4, count: 2)) == [4, 8])
  }

  @Test("Truncating undoes an append")
  func truncate() {
    let buffer = ByteBuffer()
    buffer.append("message")
    buffer.removeFirst(1)
    let before = buffer.count
    buffer.append("broken")

    buffer.truncate(to: before)

    #expect(buffer.bytes == Array("essage".utf8))
  }

  @Test("One large message does not keep its memory for ever")
  func givingBack() {
    let buffer = ByteBuffer()
    buffer.append(contentsOf: [UInt8](repeating: 7, count: 1 << 20))

    buffer.removeAll(keepingAtMost: 64 << 10)

    #expect(buffer.isEmpty)
    #expect(buffer.capacity == 0)
    buffer.append(byte: 1)
    #expect(buffer.bytes == [1])
  }

  @Test("Swapping exchanges the contents")
  func swap() {
    let one = ByteBuffer()
    let other = ByteBuffer()
    one.append("one")
    other.append("others")
    other.removeFirst(1)

    one.swap(with: other)

    #expect(one.bytes == Array("thers".utf8))
    #expect(other.bytes == Array("one".utf8))
  }

  @Test("A span is appended as it is")
  func span() {
    let buffer = ByteBuffer()
    let bytes: [UInt8] = [1, 2, 3]

    unsafe buffer.append(bytes.span.bytes)

    #expect(buffer.bytes == bytes)
  }
}
