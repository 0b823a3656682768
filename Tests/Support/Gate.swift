internal import Foundation

/// Holds scripts until the test says that they may go on. Once open it stays so.
package final class Gate: @unchecked Sendable {
  // `@unchecked Sendable` because the condition guards the one field.
  private let condition = NSCondition()
  private var isOpen = false

  package init() {}

  package func open() {
    condition.withLock {
      isOpen = true
      condition.broadcast()
    }
  }

  /// Waits, with a limit, without blocking a thread of Swift's pool.
  package func opened() async throws {
    let isOpen = try await onOwnThread { [self] in wait(limit: defaultWaitLimit) }
    if !isOpen { throw BlockingSocket.Failure(description: "The gate stays shut.") }
  }

  /// - Returns: whether it opened within the limit.
  func wait(limit: Duration) -> Bool {
    let end = Date(timeIntervalSinceNow: limit / .seconds(1))
    return condition.withLock {
      while !isOpen, condition.wait(until: end) {}
      return isOpen
    }
  }
}

extension Step {
  /// Tells the test that the script is here.
  package static func open(_ gate: Gate) -> Step { Step("open a gate") { _ in gate.open() } }

  /// Does nothing, and answers nothing, until the gate is open.
  package static func hold(until gate: Gate) -> Step {
    Step("hold") { peer in
      guard gate.wait(limit: defaultWaitLimit) else { throw peer.complaint("The gate stays shut.") }
    }
  }
}
