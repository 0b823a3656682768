internal import CLinux
internal import Glibc

/// The system calls of the data path, one method each.
///
/// A class, so that a test can put its own in: some errors cannot be provoked on a real socket.
/// Like the calls themselves, each method returns -1 on failure and leaves the reason in `errno`.
package class Kernel: @unchecked Sendable {
  // `@unchecked Sendable` because it has no state; a test's subclass belongs to one loop.
  package static let system = Kernel()

  package init() {}

  @unsafe package func read(_ descriptor: CInt, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
    unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
  }

  @unsafe package func write(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    unsafe send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
  }

  package func accept(_ descriptor: CInt) -> CInt {
    accept4(descriptor, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
  }
}

/// Runs one system call, again if a signal interrupted it.
///
/// Capture nothing but numbers and pointers in `body`: releasing an object between the call and
/// the line that reads `errno` could change `errno`.
@inline(__always)
func retryingInterrupts<Result: FixedWidthInteger>(
  _ call: String, _ body: () -> Result
) throws(SystemError) -> Result {
  while true {
    let result = body()
    if result != -1 { return result }
    let code = errno
    if code != EINTR { throw SystemError(call: call, code: code) }
  }
}
