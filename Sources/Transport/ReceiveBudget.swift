/// How much memory the long messages of one connection may take while they are coming in.
///
/// A message that is longer than its stream's window first reserves its announced length, in the
/// order of asking; until then its window stays shut. What was granted is never taken back, so
/// nothing can wait for itself.
package final class ReceiveBudget {
  private let totalBytes: Int
  private var usedBytes = 0
  private var waiting: [(stream: CallStream, bytes: Int)] = []

  package init(totalBytes: Int) { self.totalBytes = totalBytes }

  /// - Returns: Whether it is granted now; if not, the stream hears of it later.
  func reserve(_ bytes: Int, for stream: CallStream) -> Bool {
    if waiting.isEmpty, fits(bytes) {
      usedBytes += bytes
      return true
    }
    waiting.append((stream, bytes))
    return false
  }

  /// A message larger than the whole budget gets through alone: its size is within the message
  /// limit, which is the user's to set.
  private func fits(_ bytes: Int) -> Bool { usedBytes + bytes <= totalBytes || usedBytes == 0 }

  /// Gives back what a stream got.
  func release(_ bytes: Int) {
    usedBytes -= bytes
    grantWaiting()
  }

  private func grantWaiting() {
    while let first = waiting.first, fits(first.bytes) {
      waiting.removeFirst()
      usedBytes += first.bytes
      first.stream.receiveReservation(first.bytes)
    }
  }

  /// Forgets a request that was not granted yet.
  func withdraw(_ stream: CallStream) {
    waiting.removeAll { $0.stream === stream }
    // It may have been all that kept smaller ones behind it waiting.
    grantWaiting()
  }
}
