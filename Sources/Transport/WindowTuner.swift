/// How large windows have to be for a connection to be used in full: measures what is under way
/// between the two sides (the bandwidth-delay product) by a PING next to DATA.
///
/// The answer to a PING tells how long a round trip is; what arrives in two of them tells how much one
/// carries. Where the window holds the sender back, that is the window, less the credit that is not
/// given back yet; then the window grows. DATA comes in bursts of a credit, so one round trip alone could
/// be taken for too little.
///
/// The shortest round trip counts. Where the link or the reader is what is slow, what is under way
/// waits in queues and the round trip grows with the window; that must not make the window grow again.
///
///     waiting ── enough DATA ──▶ asking ── the answer ──▶ counting ── a round trip ──▶ waiting
///
/// Does no I/O and keeps no clock.
struct WindowTuner {
  /// What one stream should be allowed to have under way.
  private(set) var windowBytes: Int
  private let maxWindowBytes: Int

  /// There is something to do when as many bytes of DATA were received in all; `.max`: nothing to do.
  private(set) var nextBytes: Int
  /// DATA before the next PING: grows with each PING that was of no use.
  private var pauseBytes: Int
  private var state = State.waiting
  private var shortestRoundTrip: Int64?

  private enum State {
    case waiting
    case asking(Start)
    case counting(Start, until: Int64)
  }

  private struct Start {
    /// DATA of the connection's whole life.
    var receivedBytes: Int
    /// On the loop's clock, in nanoseconds.
    var now: Int64
  }

  enum Step: Equatable { case nothing, sendPing, grow }

  /// Above this part of the window a round trip may be held back by it.
  private static let fullPart = 2
  /// As many round trips are to fit into the window: two, and what is withheld of it.
  private static let roomyFactor = 3
  /// The shortest round trip counts for an eighth more with each PING, so that a path that became
  /// longer is noticed.
  private static let forgottenPart: Int64 = 8
  /// The longest pause, in windows: one PING for so much DATA costs nothing.
  private static let maxPauseWindows = 4

  /// - Parameter maxWindowBytes: If it is not more than `windowBytes`, windows stay as they are and no
  ///   PING is sent.
  init(windowBytes: Int, maxWindowBytes: Int) {
    let largest = Int(Int32.max)
    self.windowBytes = min(windowBytes, largest)
    self.maxWindowBytes = min(maxWindowBytes, largest)
    pauseBytes = max(1, self.windowBytes / 2)
    nextBytes = self.windowBytes < self.maxWindowBytes ? pauseBytes : .max
  }

  // Spec: W91 (PINGs that measure go only next to data)
  /// What to do now that `nextBytes` have come.
  ///
  /// Pauses are counted from behind the last answer: so between two PINGs the other side has sent DATA,
  /// for which servers that count PINGs forgive the earlier ones (W90). Calls of a few bytes get there
  /// once in thousands of calls.
  mutating func advance(receivedBytes: Int, now: Int64) -> Step {
    switch state {
    case .waiting:
      state = .asking(Start(receivedBytes: receivedBytes, now: now))
      nextBytes = .max
      return .sendPing
    case .asking: return .nothing
    case .counting(let start, let end):
      if now < end { return .nothing }
      state = .waiting
      let grows = grow(bytes: receivedBytes - start.receivedBytes, nanoseconds: now - start.now)
      nextBytes = windowBytes < maxWindowBytes ? receivedBytes + pauseBytes : .max
      return grows ? .grow : .nothing
    }
  }

  /// The PING's answer is here. One to no PING is ignored.
  mutating func receiveAnswer(now: Int64) {
    guard case .asking(let start) = state else { return }
    let roundTrip = max(1, now - start.now)
    let remembered = shortestRoundTrip.map { $0 + $0 / Self.forgottenPart } ?? roundTrip
    shortestRoundTrip = min(roundTrip, remembered)
    state = .counting(start, until: now + roundTrip)
    nextBytes = 0
  }

  private mutating func grow(bytes: Int, nanoseconds: Int64) -> Bool {
    let roundTrips = Double(nanoseconds) / Double(shortestRoundTrip ?? 1)
    // Not more than came, and so a number that fits.
    let carriedBytes = Int(Double(bytes) / max(1, roundTrips))
    guard carriedBytes >= windowBytes / Self.fullPart else {
      pauseBytes = min(2 * pauseBytes, Self.maxPauseWindows * windowBytes)
      return false
    }
    windowBytes = min(max(Self.roomyFactor * carriedBytes, windowBytes), maxWindowBytes)
    pauseBytes = windowBytes / 2
    return true
  }
}
