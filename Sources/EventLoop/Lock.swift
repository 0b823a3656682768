internal import Glibc

/// A mutual exclusion lock.
///
/// Over `pthread_mutex_t` and not `Synchronization.Mutex`, because ThreadSanitizer knows the
/// former and reports races in correct code that uses the latter.
@safe package final class Lock: @unchecked Sendable {
  // `@unchecked Sendable` because being used by several threads is what a mutex is for.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  package init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  // Two methods and no `withLock`: a generic one would not be specialised across modules.
  package func lock() { unsafe pthread_mutex_lock(mutex) }
  /// - Returns: `false` if somebody has it.
  package func tryLock() -> Bool { unsafe pthread_mutex_trylock(mutex) == 0 }
  package func unlock() { unsafe pthread_mutex_unlock(mutex) }
}
