internal import Glibc

/// A system call that failed: which one, and why.
public struct SystemError: Error, Hashable, Sendable {
  /// The name of the call, e.g. `connect`.
  public let call: String
  /// The value of `errno`.
  public let code: Int32

  package init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// The other side has closed.
  package static var brokenPipe: SystemError { SystemError(call: "write", code: EPIPE) }

  /// What the system says of `code`, e.g. `Connection refused`.
  public var reason: String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
      guard let start = text.baseAddress else { return "errno \(code)" }
      // Glibc's overlay shows the POSIX form, which fills the buffer and returns 0.
      guard unsafe strerror_r(code, start, text.count) == 0 else { return "errno \(code)" }
      return unsafe String(cString: start)
    }
  }
}

extension SystemError: CustomStringConvertible {
  public var description: String { "\(reason) (\(call), errno \(code))" }
}

extension SystemError {
  /// The machine has no such address, or no such kind of address.
  package var isMissingAddress: Bool { code == EADDRNOTAVAIL || code == EAFNOSUPPORT }
  package var isAddressInUse: Bool { code == EADDRINUSE }
  package var isNotPermitted: Bool { code == EACCES || code == EPERM }
}
