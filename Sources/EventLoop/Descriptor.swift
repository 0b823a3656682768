internal import Glibc

/// Owns a file descriptor and closes it exactly once, when the owner goes.
package struct Descriptor: ~Copyable, Sendable {
  package let raw: CInt

  /// Takes over `raw`: nobody else may close it from here on.
  package init(owning raw: CInt) {
    precondition(raw >= 0, "not a descriptor: \(raw)")
    self.raw = raw
  }

  deinit {
    // EINTR is no reason to try again: Linux has released the number by then, and a second close
    // could hit a file opened meanwhile (man 2 close).
    _ = close(raw)
  }
}
