internal import Synchronization
package import TernCore
internal import TernEventLoop
internal import TernWire

/// What interceptors have attached to a call, beside what its handler says.
final class CallAttachments {
  var values = ContextValues()
  var initialMetadata: Metadata = [:]
  var trailingMetadata: Metadata = [:]
}

// All of it from any thread.
extension ServerStream {
  private func withAttachments<Result>(_ body: (CallAttachments) -> Result) -> Result {
    metadataLock.lock()
    defer { metadataLock.unlock() }
    let attachments = attachments ?? CallAttachments()
    self.attachments = attachments
    return body(attachments)
  }

  // cold: calls with interceptors only, which take a lock as well
  package func value<Key: ContextKey>(of key: Key.Type) -> Key.Value? {
    metadataLock.lock()
    defer { metadataLock.unlock() }
    return attachments?.values[key]
  }

  // cold: as above
  package func setValue<Key: ContextKey>(_ value: Key.Value?, of key: Key.Type) {
    withAttachments { $0.values[key] = value }
  }

  /// Changes what the handler sees of the request.
  package func setRequestMetadata(_ metadata: Metadata) {
    metadataLock.lock()
    defer { metadataLock.unlock() }
    head.replaceMetadata(metadata)
  }

  package func addInitialMetadata(_ metadata: Metadata) throws(RPCError) {
    try checkHeadIsUnsent()
    withAttachments { $0.initialMetadata.append(contentsOf: metadata) }
    metadataIsSet.store(true, ordering: .releasing)
  }

  package func addTrailingMetadata(_ metadata: Metadata) {
    withAttachments { $0.trailingMetadata.append(contentsOf: metadata) }
    metadataIsSet.store(true, ordering: .releasing)
  }

  // MARK: What goes out. With `metadataLock` held.

  var allInitialMetadata: Metadata { joined(attachments?.initialMetadata, initialMetadata) }
  var allTrailingMetadata: Metadata { joined(attachments?.trailingMetadata, trailingMetadata) }

  private func joined(_ ofInterceptors: Metadata?, _ ofHandler: Metadata) -> Metadata {
    guard var all = ofInterceptors, !all.isEmpty else { return ofHandler }
    all.append(contentsOf: ofHandler)
    return all
  }

  // MARK: The outcome

  /// Why the call was over before its handler was; `nil` if it was not. From any thread.
  package var earlyFailure: RPCError? { isGivenUp ? failure : nil }

  /// Whether a response has gone out that can stand for the answer of the handler.
  package var hasResponse: Bool { hasSentHead || hasRemoteSends }
}
