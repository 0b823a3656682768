/// Something with a descriptor whose readiness a loop watches.
package protocol EventSource: AnyObject {
  var registration: SourceRegistration { get }
  /// Runs on the loop when the descriptor is ready.
  func receiveReadiness(_ readiness: Readiness)
}

/// Where a source stands in its loop's table.
package final class SourceRegistration {
  fileprivate var slot = -1
  fileprivate var interest: Readiness = []

  package init() {}
}

/// One place in a loop's table of sources. The generation tells an event for a source that was
/// removed earlier in the same turn from one for its successor in the slot.
struct SourceSlot {
  var source: (any EventSource)?
  var generation: UInt32 = 0
}

extension EventLoop {
  package func add(
    _ source: any EventSource, descriptor: CInt, interest: Readiness
  ) throws(SystemError) {
    let slot = freeSlots.popLast() ?? sources.count
    if slot == sources.count { sources.append(SourceSlot()) }
    do {
      try poller.add(descriptor, interest, key: key(of: slot))
    } catch {
      freeSlots.append(slot)
      throw error
    }
    sources[slot].source = source
    source.registration.slot = slot
    source.registration.interest = interest
  }

  /// Changes what a source waits for.
  package func watch(_ source: any EventSource, descriptor: CInt, for interest: Readiness) {
    guard source.registration.slot >= 0, source.registration.interest != interest else { return }
    source.registration.interest = interest
    do {
      try poller.modify(descriptor, interest, key: key(of: source.registration.slot))
    } catch {
      // Only a descriptor that is not registered can fail, and it is.
      assertionFailure("epoll_ctl: \(error)")
    }
  }

  /// Stops watching. Call it before the descriptor is closed.
  package func remove(_ source: any EventSource, descriptor: CInt) {
    let slot = source.registration.slot
    guard slot >= 0 else { return }
    poller.remove(descriptor)
    source.registration.slot = -1
    sources[slot].source = nil
    sources[slot].generation &+= 1
    freeSlots.append(slot)
  }

  /// Lets go of all sources, many of which hold on to the loop. They are not told.
  func dropSources() {
    // Kept until the table is in order: their ends may lead back here.
    let dropped = sources
    for slot in sources.indices where sources[slot].source != nil {
      sources[slot].source = nil
      sources[slot].generation &+= 1
    }
    withExtendedLifetime(dropped) {}
  }

  private func key(of slot: Int) -> UInt64 {
    UInt64(sources[slot].generation) << 32 | UInt64(slot)
  }

  func deliver(_ key: UInt64, _ readiness: Readiness) {
    if key == Poller.wakeKey { return }
    let slot = Int(key & 0xFFFF_FFFF)
    guard slot < sources.count, sources[slot].generation == UInt32(key >> 32) else { return }
    itemCount &+= 1
    sources[slot].source?.receiveReadiness(readiness)
  }
}
