internal import CLinux
internal import Glibc

/// What a source waits for, or what it got.
package struct Readiness: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let readable = Readiness(rawValue: EPOLLIN.rawValue)
  package static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
  /// The connection is broken or closed on both sides. Reported unasked.
  package static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)

  // Bits and not sets: a set of a literal is made by generic code, which allocates, for each event.
  /// Whether a read would find bytes, or why there will be no more.
  package var hasNews: Bool {
    rawValue & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
  }
  package var isWritable: Bool { rawValue & EPOLLOUT.rawValue != 0 }
}

/// One epoll instance. Level-triggered: what was not read is reported again.
///
/// Source: man 7 epoll
@safe final class Poller: @unchecked Sendable {
  // `@unchecked Sendable` because only the loop's thread polls; `wake` is a system call on a
  // descriptor that lives as long as the poller.

  /// The key of the wake-up, which no source has.
  static let wakeKey = UInt64.max
  private static let maxEvents = 256

  private let epoll: Descriptor
  private let wakeUp: Descriptor
  private let events: UnsafeMutablePointer<epoll_event>

  init() throws(SystemError) {
    epoll = Descriptor(
      owning: try retryingInterrupts("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
    wakeUp = Descriptor(
      owning: try retryingInterrupts("eventfd") {
        eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
      })
    unsafe events = .allocate(capacity: Self.maxEvents)
    // Edge-triggered and never read: each write is a new edge, and a read would be one more
    // system call a wake-up. The counter has room for 2^64 - 2 of them.
    try control(EPOLL_CTL_ADD, wakeUp.raw, EPOLLIN.rawValue | EPOLLET.rawValue, Self.wakeKey)
  }

  deinit { unsafe events.deallocate() }

  func add(_ descriptor: CInt, _ interest: Readiness, key: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_ADD, descriptor, interest.rawValue, key)
  }

  func modify(_ descriptor: CInt, _ interest: Readiness, key: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_MOD, descriptor, interest.rawValue, key)
  }

  func remove(_ descriptor: CInt) {
    // Only a descriptor that is not there can fail, and then it is as wanted.
    _ = epoll_ctl(epoll.raw, EPOLL_CTL_DEL, descriptor, nil)
  }

  private func control(
    _ operation: CInt, _ descriptor: CInt, _ interest: UInt32, _ key: UInt64
  ) throws(SystemError) {
    var event = unsafe epoll_event()
    unsafe event.events = interest
    unsafe event.data.u64 = key
    let epoll = epoll.raw
    _ = try retryingInterrupts("epoll_ctl") {
      unsafe epoll_ctl(epoll, operation, descriptor, &event)
    }
  }

  /// Ends the current or the next ``wait(milliseconds:)``. From any thread.
  func wake() { _ = eventfd_write(wakeUp.raw, 1) }

  /// Waits for events; -1 waits for ever, 0 not at all.
  ///
  /// - Returns: How many there are. A signal counts as none.
  func wait(milliseconds: CInt) -> Int {
    max(0, Int(unsafe epoll_wait(epoll.raw, events, CInt(Self.maxEvents), milliseconds)))
  }

  func key(of index: Int) -> UInt64 { unsafe events[index].data.u64 }
  func readiness(of index: Int) -> Readiness { Readiness(rawValue: unsafe events[index].events) }
}
