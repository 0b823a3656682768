package import TernBytes
package import TernCore
internal import TernEventLoop
internal import TernHTTP2
internal import TernWire

extension CallStream {
  /// What a reader found.
  package enum Taken {
    /// One or more whole messages.
    case messages
    /// The peer has ended its side, and all messages were taken.
    case end
    case nothing
  }

  // MARK: Credit

  final func peekInbound(at offset: Int = 0) -> MessageDeframer.Peek {
    MessageDeframer.peek(inbound, at: offset, maxPayloadBytes: maxInboundMessageBytes)
  }

  // Spec: W84 (stream window given back as the application takes bytes)
  /// Gives credit for the message that somebody waits for, as its bytes arrive.
  ///
  /// Without that a message longer than the window could never come whole. One that is longer
  /// than the window reserves its length first, so that many of them stay within the budget.
  final func advanceInbound() {
    guard isMessageAwaited, !isClosed, let connection else { return }
    guard case .incomplete(let neededBytes) = peekInbound() else { return }
    if neededBytes > windowBytes, reservedBytes == 0 {
      if isWaitingForBudget { return }
      guard connection.budget.reserve(neededBytes, for: self) else {
        isWaitingForBudget = true
        return
      }
      reservedBytes = neededBytes
    }
    inbound.reserveCapacity(neededBytes)
    credit(upTo: inbound.count)
  }

  /// The connection's budget has room for this stream's message now.
  final func receiveReservation(_ bytes: Int) {
    isWaitingForBudget = false
    reservedBytes = bytes
    inbound.reserveCapacity(bytes)
    credit(upTo: inbound.count)
    connection?.setDirty()
  }

  final func returnReservation() {
    if !isWaitingForBudget, reservedBytes == 0 { return }
    guard let connection else { return }
    if isWaitingForBudget {
      isWaitingForBudget = false
      connection.budget.withdraw(self)
    }
    let bytes = reservedBytes
    reservedBytes = 0
    if bytes > 0 { connection.budget.release(bytes) }
  }

  private func credit(upTo count: Int) {
    // A stream that the peer has ended needs no credit.
    if count <= creditedBytes || isClosed || hasRemoteEnded { return }
    withConnection { connection in
      connection.session.consume(count - creditedBytes, of: self)
      takenBytes += count - creditedBytes
      if connection.tuner.windowBytes > windowBytes { growWindow(on: connection) }
      connection.setDirty()
    }
    creditedBytes = count
  }

  /// Nobody reads any more: drops what is here and what comes.
  final func discardInbound() {
    if isDiscarding { return }
    isDiscarding = true
    credit(upTo: inbound.count)
    inbound.removeAll(keepingAtMost: 64 << 10)
    creditedBytes = 0
    returnReservation()
    returnWindow()
  }

  // MARK: Taking

  /// Moves all whole messages into `batch`, which must be empty. Copies at most the part of a
  /// message that is behind them. Compressed ones stay so: unpacked all at once they might take a
  /// thousand times the memory.
  ///
  /// - Throws: What the call failed with, or a message that cannot be accepted.
  package final func take(into batch: ByteBuffer) throws(RPCError) -> Taken {
    isBatchOut = false
    var offset = 0
    scan: while true {
      switch peekInbound(at: offset) {
      case .whole(let payloadBytes, let isCompressed):
        if isCompressed, !canDecompress {
          if offset > 0 { break scan }
          throw fail(with: statusOfCompressedMessage())
        }
        offset += MessageFramer.prefixBytes + payloadBytes
      case .refused(let error):
        // What came whole before it is still good.
        if offset > 0 { break scan }
        throw fail(with: error.status)
      case .incomplete: break scan
      }
    }
    if offset > 0 {
      move(offset, into: batch)
      return .messages
    }
    return try takeEnd()
  }

  private func move(_ count: Int, into batch: ByteBuffer) {
    hasHandedOut = true
    isBatchOut = true
    credit(upTo: count)
    creditedBytes = max(0, creditedBytes - count)
    returnReservation()
    batch.swap(with: inbound)
    if batch.count > count {
      unsafe inbound.append(batch.slice(at: count, count: batch.count - count))
      batch.truncate(to: count)
    }
  }

  private func takeEnd() throws(RPCError) -> Taken {
    if let end = try endOfInbound() { return end }
    if isOver { throw overError }
    return .nothing
  }

  /// What handles say when nothing better is known.
  package final var overError: RPCError {
    failure
      ?? RPCError(
        .internal,
        "The call is over. Its streams, writers and context are of no use any more.",
        origin: .caller)
  }

  // MARK: Waiting

  /// Resumes `continuation` when there is something to take, or the call is over. On the loop.
  @unsafe final func suspendReader(
    _ continuation: UnsafeContinuation<Void, Never>, isInRootTask: Bool
  ) {
    // A cancellation that came first has found nobody to wake. That of a root task comes from the loop,
    // which is here.
    if !isInRootTask, Task.isCancelled { return unsafe continuation.resume() }
    // Two readers at once are refused before they come here.
    resumeReader()
    readerWaiter = unsafe Waiter(continuation)
    advanceInbound()
    resumeWaiters()
  }
}
