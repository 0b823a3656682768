package import TernEventLoop

/// Bounds how many handshakes a loop goes on with in one turn.
///
/// One costs about half a millisecond; a thousand clients that come at once would hold up all calls
/// of the loop for as many. The others go on in the next turns, in order.
@safe package final class HandshakeGate: @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it.
  private let loop: EventLoop
  private let maxPerTurn: Int
  private var turn: Int64 = .min
  private var admitted = 0
  private var waiting: [TLSTransport] = []
  private var waitingIDs: Set<ObjectIdentifier> = []
  private var isScheduled = false

  package init(loop: EventLoop, maxPerTurn: Int) {
    self.loop = loop
    self.maxPerTurn = max(1, maxPerTurn)
  }

  /// - Returns: `false` if `transport` has to wait; it hears by `continueReading`.
  func admit(_ transport: TLSTransport) -> Bool {
    if turn != loop.now {
      turn = loop.now
      admitted = 0
    }
    if waiting.isEmpty, admitted < maxPerTurn {
      admitted += 1
      return true
    }
    if waitingIDs.insert(ObjectIdentifier(transport)).inserted { waiting.append(transport) }
    schedule()
    return false
  }

  private func schedule() {
    if isScheduled { return }
    isScheduled = true
    loop.submit { [self] in letSomeIn() }
  }

  private func letSomeIn() {
    isScheduled = false
    turn = loop.now
    let next = waiting.prefix(maxPerTurn)
    admitted = next.count
    waiting.removeFirst(next.count)
    for transport in next { waitingIDs.remove(ObjectIdentifier(transport)) }
    for transport in next { transport.continueReading() }
    if !waiting.isEmpty { schedule() }
  }
}
