internal import Synchronization
package import TernBytes
package import TernCore
internal import TernEventLoop
internal import TernHTTP2
internal import TernWire

extension CallStream {
  /// Where to encode the next message: the stream's own buffer on the loop, else a new one that
  /// travels to the loop. From any thread.
  package final func bufferForMessage() throws(RPCError) -> ByteBuffer {
    guard loop.isCurrent else {
      // Nothing changes any more in a call that is over, so its error may be read from here.
      if isOverForAll { throw overError }
      return ByteBuffer()
    }
    if isOver || isSendingOver { throw overError }
    return outbound
  }

  /// Whether sends from other threads are still on their way, which must go first.
  package final var hasRemoteSends: Bool { remoteSends.load(ordering: .acquiring) > 0 }

  /// Completes a message that was encoded into `buffer` behind `offset`, and sends it.
  ///
  /// - Parameter mayCompress: `false` if it is to go plain, whatever the call does.
  /// - Returns: Whether the writer should wait before it sends more.
  package final func commitMessage(
    in buffer: ByteBuffer, at offset: Int, mayCompress: Bool = true
  ) throws(RPCError) -> Bool {
    try endMessage(in: buffer, at: offset, mayCompress: mayCompress)
    if buffer === outbound {
      didAppendOutbound(at: offset)
      return outbound.count >= Watermark.high
    }
    remoteSends.wrappingAdd(1, ordering: .acquiringAndReleasing)
    loop.submit { [self] in
      remoteSends.wrappingSubtract(1, ordering: .acquiringAndReleasing)
      if isOver || isSendingOver { return }
      let offset = outbound.count
      unsafe outbound.append(buffer.readable)
      didAppendOutbound(at: offset)
    }
    // The loop knows how much is queued; whoever writes from elsewhere asks it each time that a
    // few messages are on their way.
    return remoteSends.load(ordering: .relaxed) > Self.maxUnaskedRemoteSends
  }

  private static var maxUnaskedRemoteSends: Int { 16 }

  private func didAppendOutbound(at offset: Int) {
    willSendMessage(at: offset)
    withConnection { connection in
      connection.session.resume(self)
      connection.setDirty()
    }
  }

  /// Waits until what was sent from other threads is in the stream's buffer. On the loop.
  package final func waitForRemoteSends() async {
    while hasRemoteSends {
      await withCheckedContinuation { continuation in loop.submit { continuation.resume() } }
    }
  }

  /// Waits until there is room for more, or the call is over. On the loop.
  package final func waitForRoom() async throws {
    await waitForRemoteSends()
    if outbound.count >= Watermark.high, !isOver { await waitForDrain() }
    // First: a handler's task is cancelled because its call is over, and that says why.
    if isOver { throw overError }
    try Task.checkCancellation()
  }

  private func waitForDrain() async {
    if isInRootTask {
      await suspendWriter()
      return
    }
    await withTaskCancellationHandler {
      await suspendWriter()
    } onCancel: {
      // All of them look again whether they may go on; the cancelled one throws.
      loop.submit { [self] in resumeWriters() }
    }
  }

  private func suspendWriter() async {
    await unsafe withUnsafeContinuation { continuation in
      if Task.isCancelled || isOver { return unsafe continuation.resume() }
      hasWriterWaiters = true
      writerWaiters.append(unsafe Waiter(continuation))
    }
  }
}
