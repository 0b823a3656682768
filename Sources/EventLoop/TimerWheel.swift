/// Something to do at a moment, unless it is cancelled first. Belongs to one loop; can be used
/// again and again, so that what has a deadline a call allocates its timer once.
@safe package final class LoopTimer {
  /// Runs on the loop when the moment is there.
  fileprivate let action: () -> Void
  /// The tick in which it is due. Meaningful while it is scheduled.
  fileprivate var tick: Int64 = 0
  fileprivate var slot = -1
  // `unowned(unsafe)` because the wheel holds a reference to each timer in it.
  fileprivate unowned(unsafe) var next: LoopTimer?
  fileprivate unowned(unsafe) var previous: LoopTimer?

  package init(_ action: @escaping () -> Void) { self.action = action }

  package var isScheduled: Bool { slot >= 0 }
}

/// Timers by due time: four wheels of 64 slots, each slot of a wheel as long as the whole wheel
/// below it.
///
/// Adding and cancelling take the same short time however many timers there are, which matters as
/// nearly every call adds one and cancels it. A timer never fires early; it may fire up to one
/// tick late.
///
/// Source: G. Varghese, T. Lauck, "Hashed and Hierarchical Timing Wheels" (1987)
@safe final class TimerWheel {
  /// One millisecond: epoll cannot wait for less.
  static let tickNanoseconds: Int64 = 1_000_000
  private static let slotBits: Int64 = 6
  private static let slotsPerLevel = 64
  private static let levels = 4
  /// About 4.6 hours. What is due later waits in the last slot and is sorted in again.
  private static let spanTicks: Int64 = 1 << (slotBits * Int64(levels))

  // Both are memory of their own and not arrays, which would be checked for exclusivity at run time
  // at each change. The references in `heads` are counted by `add` and `remove`.
  private let heads: UnsafeMutablePointer<Unmanaged<LoopTimer>?>
  /// One bit a slot, set while the slot has timers.
  private let occupied: UnsafeMutablePointer<UInt64>
  private var currentTick: Int64
  private(set) var count = 0

  init(nanoseconds: Int64) {
    let slots = Self.levels * Self.slotsPerLevel
    unsafe heads = .allocate(capacity: slots)
    unsafe heads.initialize(repeating: nil, count: slots)
    unsafe occupied = .allocate(capacity: Self.levels)
    unsafe occupied.initialize(repeating: 0, count: Self.levels)
    currentTick = nanoseconds / Self.tickNanoseconds
  }

  deinit {
    for slot in 0..<Self.levels * Self.slotsPerLevel {
      while let timer = head(of: slot) { remove(timer) }
    }
    unsafe heads.deallocate()
    unsafe occupied.deallocate()
  }

  private func head(of slot: Int) -> LoopTimer? {
    unsafe heads[slot]?.takeUnretainedValue()
  }

  private func setHead(of slot: Int, _ timer: LoopTimer?) {
    unsafe heads[slot] = timer.map { unsafe Unmanaged.passUnretained($0) }
    let bit: UInt64 = 1 << UInt64(slot & 63)
    let level = slot / Self.slotsPerLevel
    let others = unsafe occupied[level] & ~bit
    unsafe occupied[level] = timer == nil ? others : others | bit
  }

  /// Schedules `timer`, or moves it if it was scheduled.
  func add(_ timer: LoopTimer, nanoseconds: Int64) {
    if timer.isScheduled { remove(timer) }
    // Rounded up, so that it never fires early.
    let tick = nanoseconds / Self.tickNanoseconds + (nanoseconds % Self.tickNanoseconds > 0 ? 1 : 0)
    timer.tick = max(tick, currentTick + 1)
    _ = unsafe Unmanaged.passRetained(timer)  // released by `remove`
    link(timer)
    count += 1
  }

  /// Does nothing if it is not scheduled.
  func cancel(_ timer: LoopTimer) {
    if timer.isScheduled { remove(timer) }
  }

  /// Runs what is due at `nanoseconds`. An action may add and cancel timers.
  func advance(toNanoseconds nanoseconds: Int64) {
    let target = nanoseconds / Self.tickNanoseconds
    while let tick = nextTick, tick <= target {
      currentTick = tick
      for level in stride(from: Self.levels - 1, through: 1, by: -1) { cascade(level) }
      let slot = Int(tick & 63)
      while let timer = head(of: slot) {
        remove(timer)
        timer.action()
      }
    }
    currentTick = max(currentTick, target)
  }

  /// The moment of the next turn of the wheel that has something to do, or `nil` if none has.
  var nextNanoseconds: Int64? { nextTick.map { $0 * Self.tickNanoseconds } }

  private var nextTick: Int64? {
    if count == 0 { return nil }
    var earliest: Int64?
    for level in 0..<Self.levels {
      let bits = unsafe occupied[level]
      if bits == 0 { continue }
      let shift = Self.slotBits * Int64(level)
      let position = currentTick >> shift
      // Turned so that bit 0 is the slot after the current one.
      let turn = (UInt64(truncatingIfNeeded: position) + 1) & 63
      let turned = turn == 0 ? bits : bits >> turn | bits << (64 - turn)
      let tick = (position + 1 + Int64(turned.trailingZeroBitCount)) << shift
      earliest = min(earliest ?? tick, tick)
    }
    return earliest
  }

  /// Sorts the timers of a level's current slot into the levels below, once a turn of those.
  private func cascade(_ level: Int) {
    let shift = Self.slotBits * Int64(level)
    guard currentTick & ((1 << shift) - 1) == 0 else { return }
    let slot = level * Self.slotsPerLevel + Int((currentTick >> shift) & 63)
    var timer = head(of: slot)
    setHead(of: slot, nil)
    while let current = timer {
      timer = unsafe current.next
      unsafe current.next = nil
      unsafe current.previous = nil
      link(current)
    }
  }

  private func link(_ timer: LoopTimer) {
    let delta = min(max(timer.tick - currentTick, 0), Self.spanTicks - 1)
    var level = 0
    while level < Self.levels - 1, delta >= 1 << (Self.slotBits * Int64(level + 1)) { level += 1 }
    let position = (currentTick + delta) >> (Self.slotBits * Int64(level))
    let slot = level * Self.slotsPerLevel + Int(position & 63)
    let next = head(of: slot)
    timer.slot = slot
    unsafe timer.previous = nil
    unsafe timer.next = next
    unsafe next?.previous = timer
    setHead(of: slot, timer)
  }

  private func remove(_ timer: LoopTimer) {
    let slot = timer.slot
    let next = unsafe timer.next
    let previous = unsafe timer.previous
    if let previous { unsafe previous.next = next } else { setHead(of: slot, next) }
    unsafe next?.previous = previous
    timer.slot = -1
    unsafe timer.next = nil
    unsafe timer.previous = nil
    count -= 1
    unsafe Unmanaged.passUnretained(timer).release()
  }
}
