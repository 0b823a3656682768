internal import Synchronization
package import TernCore
internal import TernEventLoop

/// Tells a handler that nobody waits for its answer any more: by the cancellation of its task, and by
/// what it has registered for that.
extension ServerStream {
  /// Why nobody waits for the answer any more; `nil` if somebody does. From any thread.
  package var cancellationReason: CancellationReason? { ending.load(ordering: .acquiring).reason }

  /// Has `action` run once when the call is given up, and at once if it is: on this thread then, else
  /// on the loop. From any thread.
  ///
  /// Not when the handler has returned before.
  package func onCancel(_ action: @escaping @Sendable (CancellationReason) -> Void) {
    metadataLock.lock()
    let ending = ending.load(ordering: .acquiring)
    let reason = hasHandlerReturned ? nil : ending.reason
    if ending == .none, !hasHandlerReturned {
      cancelActions.append(action)
      hasCancelActions.store(true, ordering: .relaxed)
    }
    metadataLock.unlock()
    if let reason { action(reason) }
  }

  /// The call is given up, and has ended for that reason.
  func cancelHandler() {
    // Always with the lock: an action that is being added has either seen the end, or is here.
    metadataLock.lock()
    let actions = takeCancelActions()
    metadataLock.unlock()
    if !actions.isEmpty, let reason = cancellationReason { actions.forEach { $0(reason) } }
    worker?.cancel()
  }

  /// Nobody is told any more. From any thread, as a handler may return elsewhere.
  package func handlerDidReturn() {
    metadataLock.lock()
    hasHandlerReturned = true
    let actions = takeCancelActions()
    // Released behind the lock: what they hold may do anything when it goes.
    withExtendedLifetime(actions) { metadataLock.unlock() }
  }

  private func takeCancelActions() -> [@Sendable (CancellationReason) -> Void] {
    let actions = cancelActions
    if !actions.isEmpty {
      cancelActions = []
      hasCancelActions.store(false, ordering: .relaxed)
    }
    return actions
  }

  /// The same when the handler has returned on the loop, where nearly no call has anything to forget.
  @inline(__always)
  func forgetCancelActions() {
    if hasCancelActions.load(ordering: .relaxed) || ending.load(ordering: .relaxed).isGivenUp {
      handlerDidReturn()
    }
  }
}
