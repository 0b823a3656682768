internal import CNghttp2
internal import Glibc

/// What nghttp2 allocates: small blocks are kept for the next call instead of going back to `malloc`.
///
/// nghttp2 makes and frees eight blocks a call. One memory serves all sessions of a loop. Each block
/// comes from `malloc` and may go back there at any time, so whoever is on another thread than the one
/// that made the memory simply goes past the lists.
///
/// Source: <https://nghttp2.org/documentation/types.html#c.nghttp2_mem>
@safe package final class SessionMemory: @unchecked Sendable {
  // `@unchecked Sendable` because all but its thread go past the lists.

  /// Blocks of `64, 128 … 512` bytes; longer ones are rare and last as long as their session.
  private static let stepBits = 6
  private static let listCount = 8
  /// What may lie in the lists, in bytes: enough for a thousand calls at once.
  package static let maxKeptBytes = 1 << 20

  /// The first free block of each size; each block begins with a pointer to the next one.
  private let lists: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private var kept = 0
  private let thread = pthread_self()
  private let table: UnsafeMutablePointer<nghttp2_mem>

  /// To be made on the thread that uses it.
  package init() {
    unsafe lists = .allocate(capacity: Self.listCount)
    unsafe lists.initialize(repeating: nil, count: Self.listCount)
    unsafe table = .allocate(capacity: 1)
    unsafe table.initialize(
      to: nghttp2_mem(
        mem_user_data: nil, malloc: allocateBlock, free: freeBlock, calloc: allocateZeroedBlock,
        realloc: resizeBlock))
    unsafe table.pointee.mem_user_data = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit {
    for index in 0..<Self.listCount {
      while let block = unsafe lists[index] {
        unsafe lists[index] = block.load(as: UnsafeMutableRawPointer?.self)
        unsafe Glibc.free(block)
      }
    }
    unsafe lists.deallocate()
    unsafe table.deallocate()
  }

  /// For nghttp2, which copies it. A session that has it keeps `self`.
  @unsafe var functions: UnsafeMutablePointer<nghttp2_mem> { unsafe table }

  /// How many bytes lie in the lists.
  package var keptBytes: Int { kept }

  @unsafe fileprivate func take(_ size: Int) -> UnsafeMutableRawPointer? {
    // Nothing at all becomes very much, which has no list either.
    let index = Int((UInt(bitPattern: size) &- 1) >> Self.stepBits)
    if index >= Self.listCount || pthread_self() != thread { return unsafe malloc(size) }
    let bytes = (index &+ 1) &<< Self.stepBits
    guard let block = unsafe lists[index] else { return unsafe malloc(bytes) }
    unsafe lists[index] = block.load(as: UnsafeMutableRawPointer?.self)
    kept &-= bytes
    return unsafe block
  }

  @unsafe fileprivate func giveBack(_ block: UnsafeMutableRawPointer) {
    // Of what it can hold, whole steps: it may be more than was asked for.
    let steps = unsafe malloc_usable_size(block) &>> Self.stepBits
    if steps == 0 || steps > Self.listCount || kept >= Self.maxKeptBytes || pthread_self() != thread
    {
      return unsafe Glibc.free(block)
    }
    unsafe block.storeBytes(of: lists[steps &- 1], as: UnsafeMutableRawPointer?.self)
    unsafe lists[steps &- 1] = block
    kept &+= steps &<< Self.stepBits
  }
}

// Free functions: a closure for C can capture nothing, and not even mention `Self`.

@inline(__always)
private func memory(_ context: UnsafeMutableRawPointer?) -> Unmanaged<SessionMemory>? {
  unsafe context.map { unsafe Unmanaged.fromOpaque($0) }
}

private func allocateBlock(
  _ size: Int, _ context: UnsafeMutableRawPointer?
) -> UnsafeMutableRawPointer? {
  unsafe memory(context)?._withUnsafeGuaranteedRef { unsafe $0.take(size) }
}

private func allocateZeroedBlock(
  _ count: Int, _ size: Int, _ context: UnsafeMutableRawPointer?
) -> UnsafeMutableRawPointer? {
  let (bytes, overflows) = count.multipliedReportingOverflow(by: size)
  if overflows { return nil }
  guard let block = unsafe allocateBlock(bytes, context) else { return nil }
  unsafe memset(block, 0, bytes)
  return unsafe block
}

private func freeBlock(_ block: UnsafeMutableRawPointer?, _ context: UnsafeMutableRawPointer?) {
  guard let block = unsafe block else { return }
  unsafe memory(context)?._withUnsafeGuaranteedRef { unsafe $0.giveBack(block) }
}

private func resizeBlock(
  _ block: UnsafeMutableRawPointer?, _ size: Int, _ context: UnsafeMutableRawPointer?
) -> UnsafeMutableRawPointer? {
  guard let block = unsafe block else { return unsafe allocateBlock(size, context) }
  return unsafe realloc(block, size)
}
