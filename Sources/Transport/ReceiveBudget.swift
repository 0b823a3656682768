/// How much memory the long messages of one connection may take while they are coming in, and its
/// windows beyond what they began with.
///
/// A message that is longer than its stream's window first reserves its announced length, in the
/// order of asking; until then its window stays shut. What was granted is never taken back, so
/// nothing can wait for itself. Windows never get more than half, as a stream may hold its own for as
/// long as it lives, and long messages would wait for it.
package final class ReceiveBudget {
  private let totalBytes: Int
  private var messageBytes = 0
  private var windowBytes = 0
  private var waiting: [(stream: CallStream, bytes: Int)] = []

  package init(totalBytes: Int) { self.totalBytes = totalBytes }

  // MARK: Messages

  /// - Returns: Whether it is granted now; if not, the stream hears of it later.
  func reserve(_ bytes: Int, for stream: CallStream) -> Bool {
    if waiting.isEmpty, fits(bytes) {
      messageBytes += bytes
      return true
    }
    waiting.append((stream, bytes))
    return false
  }

  /// A message larger than the whole budget gets through alone: its size is within the message
  /// limit, which is the user's to set.
  private func fits(_ bytes: Int) -> Bool {
    messageBytes + windowBytes + bytes <= totalBytes || messageBytes == 0
  }

  /// Gives back what a stream got.
  func release(_ bytes: Int) {
    messageBytes -= bytes
    grantWaiting()
  }

  private func grantWaiting() {
    while let first = waiting.first, fits(first.bytes) {
      waiting.removeFirst()
      messageBytes += first.bytes
      first.stream.receiveReservation(first.bytes)
    }
  }

  /// Forgets a request that was not granted yet.
  func withdraw(_ stream: CallStream) {
    waiting.removeAll { $0.stream === stream }
    // It may have been all that kept smaller ones behind it waiting.
    grantWaiting()
  }

  // MARK: Windows

  /// For a window that grows. Messages that wait go first.
  ///
  /// - Returns: What is granted: 0, or at least `minBytes`.
  func reserveWindow(upTo bytes: Int, atLeast minBytes: Int) -> Int {
    guard waiting.isEmpty else { return 0 }
    let room = min(totalBytes / 2 - windowBytes, totalBytes - windowBytes - messageBytes)
    let granted = min(bytes, room)
    guard granted > 0, granted >= minBytes else { return 0 }
    windowBytes += granted
    return granted
  }

  func releaseWindow(_ bytes: Int) {
    windowBytes -= bytes
    grantWaiting()
  }
}
