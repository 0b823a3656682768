import Glibc
import Testing

@testable import TernBytes

@Suite("Large blocks")
struct LargeBlocksTests {
  @Test(
    "A block that was given back is there for the next one of its size, once",
    arguments: [LargeBlocks.smallestBytes, LargeBlocks.largestBytes])
  func reuse(capacity: Int) {
    let blocks = LargeBlocks()
    #expect(unsafe blocks.take(capacity) == nil)
    let block = unsafe malloc(capacity)
    unsafe blocks.giveBack(block, capacity)
    #expect(
      unsafe blocks.take(capacity == LargeBlocks.smallestBytes ? 2 * capacity : capacity / 2) == nil
    )
    #expect(unsafe blocks.take(capacity) == block)
    #expect(unsafe blocks.take(capacity) == nil)
    unsafe free(block)
  }

  @Test("It keeps no more than its limit of each size")
  func limit() {
    let blocks = LargeBlocks()
    let capacity = LargeBlocks.smallestBytes
    for _ in 0..<2 * LargeBlocks.blocksPerSize {
      unsafe blocks.giveBack(malloc(capacity), capacity)
    }
    var count = 0
    while let block = unsafe blocks.take(capacity) {
      unsafe free(block)
      count += 1
    }
    #expect(count == LargeBlocks.blocksPerSize)
  }

  @Test(
    "Blocks of other sizes are not kept",
    arguments: [
      LargeBlocks.smallestBytes / 2, LargeBlocks.smallestBytes + 1, 2 * LargeBlocks.largestBytes, 0,
    ])
  func otherSizes(capacity: Int) {
    let blocks = LargeBlocks()
    unsafe blocks.giveBack(malloc(max(1, capacity)), capacity)
    #expect(unsafe blocks.take(capacity) == nil)
  }

  @Test("Buffers that shrink and grow again keep what is in them")
  func buffers() {
    let buffer = ByteBuffer()
    for round in 1...3 {
      let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* round) }
      for start in stride(from: 0, to: bytes.count, by: 7_000) {
        buffer.append(contentsOf: Array(bytes[start..<min(start + 7_000, bytes.count)]))
      }
      #expect(buffer.bytes == bytes)
      buffer.removeAll()
      #expect(buffer.capacity == 0)
    }
  }

  @Test("A buffer with room for what is announced does not grow while it comes")
  func announced() {
    let buffer = ByteBuffer()
    buffer.append(contentsOf: [1, 2, 3])
    buffer.reserveCapacity(200_000)
    let capacity = buffer.capacity
    for _ in 0..<199 { buffer.append(contentsOf: [UInt8](repeating: 7, count: 1_000)) }
    #expect(buffer.capacity == capacity)
    #expect(buffer.count == 199_003)
    #expect(buffer.bytes.prefix(4) == [1, 2, 3, 7])
  }
}
