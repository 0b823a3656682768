internal import Glibc

/// A growing run of bytes: appended at the end, taken from the front.
///
/// One owner at a time. Taking from the front moves an index and copies nothing; growing doubles
/// the memory and first reuses what was taken.
///
/// It is a class with private plain fields, not a struct, so that a change costs no run-time
/// exclusivity check where the owner holds it by `let`.
@safe public final class ByteBuffer: @unchecked Sendable {
  // `@unchecked Sendable` because it has no locks and is handed from owner to owner: whoever
  // encodes a message gives it away with the message.
  private var memory: UnsafeMutableRawPointer?
  private var capacityBytes = 0
  private var start = 0
  private var end = 0

  /// Small enough to be cheap, large enough that a typical message with its prefix fits.
  private static let smallestCapacityBytes = 256

  public init() {}

  deinit { freeMemory() }

  /// How many bytes are in it.
  public var count: Int { end - start }
  public var isEmpty: Bool { end == start }
  /// How much memory it holds, in bytes.
  package var capacity: Int { capacityBytes }

  // MARK: Putting in

  /// Adds bytes at the end.
  public func append(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append($0) }
  }

  /// Adds bytes at the end.
  public func append(contentsOf bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { unsafe append($0) }
  }

  package func append(utf8 text: StaticString) {
    unsafe append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  package func append(_ text: String) {
    var text = text
    text.withUTF8 { unsafe append(UnsafeRawBufferPointer($0)) }
  }

  package func append(byte: UInt8) {
    makeRoom(for: 1)
    unsafe memory!.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
    end += 1
  }

  @unsafe public func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    makeRoom(for: bytes.count)
    unsafe memcpy(memory! + end, source, bytes.count)
    end += bytes.count
  }

  /// Adds `count` bytes whose values are not set, for the caller to fill at once.
  ///
  /// The memory is valid until the next call of any method of this buffer.
  @unsafe public func reserve(_ count: Int) -> UnsafeMutableRawBufferPointer {
    makeRoom(for: max(count, 1))
    let place = unsafe UnsafeMutableRawBufferPointer(start: memory! + end, count: count)
    end += count
    return unsafe place
  }

  /// Cuts it back to its first `count` bytes: undoes an append that went wrong.
  package func truncate(to count: Int) {
    end = start + min(max(count, 0), self.count)
  }

  /// Replaces one byte. `offset` counts from the first byte that is still in the buffer.
  package func overwrite(_ byte: UInt8, at offset: Int) {
    precondition(offset >= 0 && offset < count, "offset \(offset) of \(count) bytes")
    unsafe memory!.storeBytes(of: byte, toByteOffset: start + offset, as: UInt8.self)
  }

  /// Replaces four bytes by a number, most significant byte first.
  package func overwrite(bigEndian value: UInt32, at offset: Int) {
    precondition(offset >= 0 && offset + 4 <= count, "offset \(offset) of \(count) bytes")
    unsafe memory!.storeBytes(
      of: value.bigEndian, toByteOffset: start + offset, as: UInt32.self)
  }

  // MARK: Taking out

  /// The bytes in it. Valid until the next call that changes the buffer.
  @unsafe package var readable: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(
      start: memory.map { unsafe UnsafeRawPointer($0) + start }, count: count)
  }

  /// A part of the bytes in it; `offset` and `count` must lie inside. Valid like ``readable``.
  @unsafe package func slice(at offset: Int, count length: Int) -> UnsafeRawBufferPointer {
    precondition(offset >= 0 && length >= 0 && offset + length <= count, "slice outside the buffer")
    guard let memory = unsafe memory else {
      return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    }
    return unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(memory) + start + offset, count: length)
  }

  package func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < count, "offset \(offset) of \(count) bytes")
    return unsafe memory!.load(fromByteOffset: start + offset, as: UInt8.self)
  }

  /// Four bytes as a number, most significant byte first.
  package func bigEndian(at offset: Int) -> UInt32 {
    precondition(offset >= 0 && offset + 4 <= count, "offset \(offset) of \(count) bytes")
    let value = unsafe memory!.loadUnaligned(fromByteOffset: start + offset, as: UInt32.self)
    return UInt32(bigEndian: value)
  }

  /// Drops `length` bytes from the front.
  package func removeFirst(_ length: Int) {
    precondition(length >= 0 && length <= count, "removing \(length) of \(count) bytes")
    start += length
    if start == end {
      start = 0
      end = 0
    }
  }

  /// Drops everything; memory above `keepingAtMost` bytes goes back to the system, so that one
  /// large message does not make a pooled buffer large for ever.
  package func removeAll(keepingAtMost limit: Int = 64 << 10) {
    start = 0
    end = 0
    if capacityBytes > limit {
      freeMemory()
      unsafe memory = nil
      capacityBytes = 0
    }
  }

  /// Exchanges contents and memory with another buffer; copies nothing.
  package func swap(with other: ByteBuffer) {
    // By hand: one `inout` of a field anywhere makes every use of that field, in the whole class,
    // pay for an exclusivity check at run time (two thirds of the cost of a small append).
    let (ourMemory, ourCapacityBytes) = unsafe (memory, capacityBytes)
    let (ourStart, ourEnd) = (start, end)
    unsafe memory = other.memory
    capacityBytes = other.capacityBytes
    start = other.start
    end = other.end
    unsafe other.memory = ourMemory
    other.capacityBytes = ourCapacityBytes
    other.start = ourStart
    other.end = ourEnd
  }

  /// A copy as an array, for callers off the data path.
  package var bytes: [UInt8] { unsafe Array(readable) }

  // MARK: Memory

  /// Has room for `total` bytes, all that is in it included: whoever knows how much will come spares
  /// the copies of growing. Memory that is not written to costs nothing.
  package func reserveCapacity(_ total: Int) {
    if total > capacityBytes { grow(to: total) }
  }

  private func freeMemory() {
    if capacityBytes < LargeBlocks.smallestBytes {
      unsafe free(memory)
    } else {
      unsafe LargeBlocks.shared.giveBack(memory, capacityBytes)
    }
  }

  private func makeRoom(for length: Int) {
    if end + length <= capacityBytes { return }
    // Sliding is worth it only if it moves less than it frees; else a long queue would be moved
    // again and again.
    if start >= count, count + length <= capacityBytes {
      unsafe memmove(memory!, memory! + start, count)
      end -= start
      start = 0
      return
    }
    grow(to: count + length)
  }

  private func grow(to needed: Int) {
    var capacity = max(capacityBytes, Self.smallestCapacityBytes)
    while capacity < needed { capacity *= 2 }
    let known =
      capacity < LargeBlocks.smallestBytes ? nil : unsafe LargeBlocks.shared.take(capacity)
    guard let larger = unsafe known ?? malloc(capacity) else {
      // because only a system without memory gets here: what a peer may make us keep has limits.
      fatalError("out of memory: \(capacity) bytes for a byte buffer")
    }
    let length = count
    if let old = unsafe memory {
      unsafe memcpy(larger, old + start, length)
      freeMemory()
    }
    unsafe memory = larger
    capacityBytes = capacity
    start = 0
    end = length
  }
}
