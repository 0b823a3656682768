internal import Glibc

/// Threads for calls that block: look-ups of names, files of certificates. They end when there is
/// nothing left to do.
package final class BlockingThreads: @unchecked Sendable {
  // `@unchecked Sendable` because `lock` guards both variables.
  package static let shared = BlockingThreads()
  /// A resolver that hangs holds a thread for half a minute; others should get through meanwhile.
  private static let maxThreads = 16

  private let lock = Lock()
  private var waiting: [@Sendable () -> Void] = []
  private var running = 0

  package func run(_ work: @escaping @Sendable () -> Void) {
    lock.lock()
    waiting.append(work)
    let needsThread = running < Self.maxThreads
    if needsThread { running += 1 }
    lock.unlock()
    if needsThread { startThread() }
  }

  private func startThread() {
    var thread = pthread_t()
    let code = unsafe pthread_create(
      &thread, nil,
      { _ in
        BlockingThreads.shared.work()
        return nil
      }, nil)
    if code == 0 {
      pthread_detach(thread)
    } else {
      // No thread to be had: better a caller that waits than one that waits for ever.
      work()
    }
  }

  private func work() {
    while let next = takeNext() { next() }
  }

  private func takeNext() -> (@Sendable () -> Void)? {
    lock.lock()
    defer { lock.unlock() }
    if waiting.isEmpty {
      running -= 1
      return nil
    }
    return waiting.removeFirst()
  }
}
