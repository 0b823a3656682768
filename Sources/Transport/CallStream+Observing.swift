internal import Synchronization
package import TernCore
internal import TernEventLoop

/// Who wants to see the messages of a call, the outermost interceptor first.
struct MessageObservers {
  var ofRequests: [MessageObserver] = []
  var ofResponses: [MessageObserver] = []
}

extension CallStream {
  /// Whether somebody wants to see the messages. From any thread.
  package final var isObserved: Bool { hasObservers.load(ordering: .acquiring) }

  /// Shows all requests from now on. From any thread.
  package final func observeRequests(_ observer: @escaping MessageObserver) {
    addObserver { $0.ofRequests.append(observer) }
  }

  /// Shows all responses from now on. From any thread.
  package final func observeResponses(_ observer: @escaping MessageObserver) {
    addObserver { $0.ofResponses.append(observer) }
  }

  private func addObserver(_ change: (inout MessageObservers) -> Void) {
    let list = observers.load() ?? observers.storeIfNil(Guarded(MessageObservers()))
    list.withLock(change)
    hasObservers.store(true, ordering: .releasing)
  }

  /// A message was decoded, and nobody else has it yet.
  package final func showInbound(_ message: Any, byteCount: Int) throws {
    try show(InterceptedMessage(message, byteCount: byteCount), isRequest: receivesRequests)
  }

  /// A message was encoded, and is not sent yet.
  package final func showOutbound(_ message: Any, byteCount: Int) throws {
    try show(InterceptedMessage(message, byteCount: byteCount), isRequest: !receivesRequests)
  }

  /// Requests go from the outermost interceptor inwards, responses the other way.
  private func show(_ message: InterceptedMessage, isRequest: Bool) throws {
    guard let observers = observers.load() else { return }
    let list = observers.withLock { isRequest ? $0.ofRequests : $0.ofResponses.reversed() }
    for observer in list { try observer(message) }
  }

  final func removeObservers() {
    if !isObserved { return }
    observers.load()?.withLock { $0 = MessageObservers() }
    hasObservers.store(false, ordering: .releasing)
  }
}
