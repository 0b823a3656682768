internal import TernBytes
internal import TernEventLoop

/// Streams of one channel that wait for their next call. For all threads.
///
/// To make a stream with its buffers, and to let them go, costs the caller of a small call a tenth of
/// it, and nine allocations.
@safe package final class ClientStreamPool: @unchecked Sendable {
  // `@unchecked Sendable` because a lock guards its fields.

  /// More than most channels have at once.
  static let maxSpare = 256
  /// What a spare stream may keep in one of its buffers.
  static let keptBytes = 4 << 10

  private let lock = Lock()
  // Linked by hand, as in `ServerStreamPool`.
  private var firstSpare: Unmanaged<ClientStream>?
  private var spareCount = 0

  package init() {}

  deinit {
    // One by one: a long chain that goes at once would go recursively.
    while pop() != nil {}
  }

  /// A stream to which nobody else points: a cancellation that comes late must not reach another call.
  ///
  /// - Returns: `nil` if there is none, or somebody else is taking one.
  package func take() -> ClientStream? {
    guard lock.tryLock() else { return nil }
    defer { lock.unlock() }
    guard var stream = pop() else { return nil }
    return isKnownUniquelyReferenced(&stream) ? stream : nil
  }

  /// Keeps the stream of a call whose caller is done with it, if it can be used again.
  package func giveBack(_ stream: ClientStream) {
    guard stream.isReusable, lock.tryLock() else { return }
    if spareCount < Self.maxSpare {
      unsafe stream.nextSpare = firstSpare
      unsafe firstSpare = Unmanaged.passRetained(stream)
      spareCount += 1
    }
    lock.unlock()
  }

  private func pop() -> ClientStream? {
    guard let stream = unsafe firstSpare?.takeRetainedValue() else { return nil }
    unsafe firstSpare = stream.nextSpare
    unsafe stream.nextSpare = nil
    spareCount -= 1
    return stream
  }
}
