internal import Synchronization
internal import TernBytes
package import TernCore
internal import TernHTTP2
internal import TernWire

extension ClientStream {
  // MARK: Another attempt

  /// It will not be sent again.
  func forgetRequest() {
    hasReplay = false
    replay.removeAll(keepingAtMost: ClientStreamPool.keptBytes)
  }

  func prepareForAnotherAttempt() {
    if !hasReplay { return }
    resetForReuse()
    response.removeAll()
    unsafe outbound.append(replay.readable)
    closeCode = 0
    creditedBytes = 0
    takenBytes = 0
    inbound.removeAll()
  }

  // MARK: Another call

  /// Makes it as new, for another call of the same channel. Only its one owner may do that.
  package func reopen(
    for descriptor: MethodDescriptor, options: CallOptions,
    maxRequestMessageBytes: Int, maxResponseMessageBytes: Int
  ) {
    clear()
    isAtRest.store(false, ordering: .relaxed)
    method = descriptor
    choose(options)
    inheritedNanoseconds = Self.inheritedNanoseconds(options)
    maxInboundMessageBytes = maxResponseMessageBytes
    maxOutboundMessageBytes = maxRequestMessageBytes
    noteCompression()
  }

  private func clear() {
    prepareForReuse()
    response.removeAll()
    replay.removeAll()
    hasReplay = true
    attempts = 0
    refusals = 0
    isRequestWhole = false
    if deadline != nil { deadline = nil }
    beginning = nil
    pendingReset = nil
    replacement = nil
    hasHead = false
    hasHandedOut = false
    isBatchOut = false
    decompressed = nil
  }

  /// Whether another call may have it when this one is done with it.
  ///
  /// Not one that kept anything unusual: it is not worth the clearing away.
  var isReusable: Bool {
    isAtRest.load(ordering: .acquiring) && !isGivenUp && interceptors == nil
      && hasPlainOptions && addedMetadata.isEmpty
      && inbound.capacity <= ClientStreamPool.keptBytes
      && outbound.capacity <= ClientStreamPool.keptBytes
  }
}
