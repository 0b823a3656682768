/// A value that is touched only while its lock is held.
///
/// Hot paths have a `Lock` and fields of their own.
// cold: interceptors, and tests
@safe package final class Guarded<Value>: @unchecked Sendable {
  // `@unchecked Sendable` because the value does not leave the lock but by what the user returns.
  private let mutex = Lock()
  private var value: Value

  package init(_ value: sending Value) { self.value = value }

  // cold: as above
  package func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    mutex.lock()
    defer { mutex.unlock() }
    return try body(&value)
  }
}
