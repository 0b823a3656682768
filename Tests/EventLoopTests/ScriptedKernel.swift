import Glibc

@testable import TernEventLoop

/// The system's calls, some of which fail as a script says.
final class ScriptedKernel: Kernel, @unchecked Sendable {
  // `@unchecked Sendable` because `lock` guards all variables.

  enum Outcome: Equatable {
    case failure(CInt)
    /// Does the real thing, with at most so many bytes.
    case atMost(Int)
  }

  private let lock = Lock()
  private var reads: [Outcome]
  private var writes: [Outcome]
  private var accepts: [CInt]
  /// What each call asked for.
  let calls = Notes<String>()

  init(reads: [Outcome] = [], writes: [Outcome] = [], accepts: [CInt] = []) {
    self.reads = reads
    self.writes = writes
    self.accepts = accepts
  }

  override func read(_ descriptor: CInt, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
    lock.lock()
    let outcome = reads.isEmpty ? nil : reads.removeFirst()
    lock.unlock()
    calls.append("read")
    switch outcome {
    case .failure(let code):
      errno = code
      return -1
    case .atMost(let count):
      return unsafe super.read(
        descriptor, UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(count)))
    case nil: return unsafe super.read(descriptor, bytes)
    }
  }

  override func write(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    lock.lock()
    let outcome = writes.isEmpty ? nil : writes.removeFirst()
    lock.unlock()
    calls.append("write")
    switch outcome {
    case .failure(let code):
      errno = code
      return -1
    case .atMost(let count):
      return unsafe super.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
    case nil: return unsafe super.write(descriptor, bytes)
    }
  }

  override func accept(_ descriptor: CInt) -> CInt {
    lock.lock()
    let code = accepts.isEmpty ? nil : accepts.removeFirst()
    lock.unlock()
    calls.append("accept")
    guard let code else { return super.accept(descriptor) }
    errno = code
    return -1
  }
}
