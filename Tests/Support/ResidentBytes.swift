internal import Foundation

/// The memory of this process that is in use, in bytes.
package func residentBytes() throws -> Int {
  let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
  guard let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
    throw BlockingSocket.Failure(description: "/proc/self/statm says '\(text)'.")
  }
  return pages * Int(sysconf(CInt(_SC_PAGESIZE)))
}
