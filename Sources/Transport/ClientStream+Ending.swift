internal import TernBytes
package import TernCore
internal import TernEventLoop
internal import TernHTTP2
internal import TernWire

extension ClientStream {
  // MARK: Ending it ourselves

  /// Ends the attempt that runs with a status of ours, and with it the call, unless interceptors
  /// want to go on. On the loop. Does nothing if it is over.
  package func cancel(_ status: Status, origin: RPCError.Origin) {
    if isOver { return }
    response.end(status, origin: origin)
    complete()
  }

  /// The same with an error, whose cause and metadata are kept.
  package func cancel(_ error: RPCError) {
    if isOver || isAttemptOver { return }
    replacement = error
    cancel(error.status, origin: error.origin)
  }

  /// Ends the call, whatever its interceptors are at. On the loop. Does nothing if it is over.
  package func giveUp(_ error: RPCError) {
    if isOver { return }
    replacement = error
    interceptors?.isReleased = true
    cancel(error.status, origin: error.origin)
  }

  // Spec: W18 (RST_STREAM CANCEL, and DEADLINE_EXCEEDED at once)
  func expire() {
    let text: String
    if let timeout = chosenOptions.timeout, timeout.clampedNanoseconds == timeoutNanoseconds {
      text = "The call took longer than its timeout of \(timeout)."
    } else {
      text = "The deadline of the call in whose handler this one was made has passed."
    }
    giveUp(RPCError(.deadlineExceeded, text, origin: .library))
  }

  // MARK: The end

  /// The status of the attempt is known: whoever waits hears of it.
  func complete() {
    if isOver { return }
    // Most calls end well, and then nothing is copied.
    let error = replacement == nil && response.isOK ? nil : makeError()
    isSendingOver = true
    if !isClosed, !isAttemptOver, let connection {
      // Spec: W65 (the server has ended early: we stop sending)
      if !hasRemoteEnded || !isRequestWhole || !outbound.isEmpty {
        connection.session.reset(
          self, errorCode: error == nil ? ErrorCode.noError : ErrorCode.cancel)
      }
      connection.setDirty()
    }
    if let interceptors, !interceptors.isReleased {
      let isAwaited = hasWaiters
      // A message that is cut off will not be read: nobody would come to hear of the end.
      let isUnread = isBatchOut || hasInboundNews
      interceptors.attemptDidEnd(error, mustWait: isUnread && !isAwaited)
    } else {
      finish(error)
    }
  }

  private func makeError() -> RPCError? {
    var error =
      replacement
      ?? RPCError(
        response.status ?? .ok, metadata: response.trailingMetadata, origin: response.origin)
    if error != nil, hasHead { error?.initialMetadata = response.initialMetadata }
    return error
  }

  /// The call is over for everybody.
  func finish(_ error: RPCError?) {
    if deadline != nil { cancelDeadlineTimer() }
    forgetRequest()
    end(error, as: error == nil ? .answered : .failed)
    resumeHeadWaiters()
    resumeAll()
    if let action = actionAtEarlyEnd {
      actionAtEarlyEnd = nil
      action()
    }
    if let action = actionAtEnd {
      actionAtEnd = nil
      action()
    }
    interceptors?.callDidEnd()
  }

  // MARK: Waiting

  func resumeHeadWaiters() {
    if !hasHeadWaiters { return }
    hasHeadWaiters = false
    let waiting = headWaiters
    headWaiters = WaiterList()
    // What somebody has seen cannot be taken back for another attempt.
    hasHandedOut = true
    waiting.resume()
  }

  private func resumeAll() {
    if !hasWaiters { return }
    hasWaiters = false
    let waiting = waiters
    waiters = WaiterList()
    waiting.resume()
  }

  /// Resumes `continuation` when the call is over. On the loop.
  @unsafe package func whenOver(_ continuation: UnsafeContinuation<Void, Never>) {
    if isOver { return unsafe continuation.resume() }
    let waiter = unsafe Waiter(continuation)
    waiters = hasWaiters ? waiters.adding(waiter) : WaiterList(waiter)
    hasWaiters = true
    interceptors?.publishEnd()
  }

  /// Resumes `continuation` when the initial metadata is here, or the call is over. On the loop.
  @unsafe package func whenHead(_ continuation: UnsafeContinuation<Void, Never>) {
    if isOver || hasHead {
      hasHandedOut = true
      return unsafe continuation.resume()
    }
    let waiter = unsafe Waiter(continuation)
    headWaiters = hasHeadWaiters ? headWaiters.adding(waiter) : WaiterList(waiter)
    hasHeadWaiters = true
  }
}
