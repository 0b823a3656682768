internal import Glibc
internal import Synchronization

/// A few large blocks of memory that wait for the next large message.
///
/// What `malloc` gives for a megabyte is fresh from the kernel each time, page by page, and to fetch
/// the pages takes longer than to copy the message. So up to four blocks of each size stay: 15.5 MiB
/// in all, for the whole process, once there were as many large messages at a time.
@safe final class LargeBlocks: @unchecked Sendable {
  // `@unchecked Sendable` because all that is in it are atomics.
  static let shared = LargeBlocks()

  /// Sizes are powers of two from here on.
  static let smallestBytes = 128 << 10
  static let largestBytes = smallestBytes << (sizeCount - 1)
  private static let sizeCount = 5
  static let blocksPerSize = 4

  private let slots: UnsafeMutablePointer<Atomic<UnsafeMutableRawPointer?>>

  init() {
    unsafe slots = .allocate(capacity: Self.sizeCount * Self.blocksPerSize)
    for index in 0..<Self.sizeCount * Self.blocksPerSize {
      unsafe (slots + index).initialize(to: Atomic(nil))
    }
  }

  deinit {
    let count = Self.sizeCount * Self.blocksPerSize
    for index in 0..<count {
      unsafe free(slots[index].load(ordering: .acquiring))
    }
    unsafe slots.deinitialize(count: count)
    unsafe slots.deallocate()
  }

  /// The slots of a size; `nil` if no block of that size is kept.
  private static func slots(_ capacity: Int) -> Range<Int>? {
    let size = capacity.trailingZeroBitCount - smallestBytes.trailingZeroBitCount
    guard capacity.nonzeroBitCount == 1, size >= 0, size < sizeCount else { return nil }
    return size * blocksPerSize..<(size + 1) * blocksPerSize
  }

  /// A block of `capacity` bytes, if one waits.
  @unsafe func take(_ capacity: Int) -> UnsafeMutableRawPointer? {
    guard let range = Self.slots(capacity) else { return nil }
    for slot in range {
      let known = unsafe slots[slot].exchange(nil, ordering: .acquiringAndReleasing)
      if let block = unsafe known { return unsafe block }
    }
    return nil
  }

  /// Keeps a block of `capacity` bytes from `malloc`, or frees it.
  @unsafe func giveBack(_ block: UnsafeMutableRawPointer?, _ capacity: Int) {
    guard let block = unsafe block else { return }
    for slot in Self.slots(capacity) ?? 0..<0 {
      let isKept = unsafe slots[slot].compareExchange(
        expected: nil, desired: block, ordering: .acquiringAndReleasing
      ).exchanged
      if isKept { return }
    }
    unsafe free(block)
  }
}
