internal import Glibc
internal import Logging
internal import TernCore
internal import TernEventLoop

/// Where the keys of connections are written, in the form of NSS, for whoever decrypts a recording.
@safe final class KeyLogFile: Sendable {
  private let descriptor: CInt
  private let path: String

  private init?(path: String) {
    // For the owner's eyes only.
    descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, mode_t(0o600))
    self.path = path
    if descriptor < 0 { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private func write(_ line: String) {
    var text = line + "\n"
    // One call, so that lines of several threads do not mix.
    _ = text.withUTF8 { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }

  /// - Returns: `nil` if nothing is to be logged, or the file cannot be written.
  static func sink(
    _ choice: TLSPolicy.KeyLog, logger: Logger
  ) -> (@Sendable (String) -> Void)? {
    guard let path = path(of: choice) else { return nil }
    guard let file = KeyLogFile(path: path) else {
      let reason = unsafe String(cString: strerror(errno))
      logger.error(
        "The keys of TLS cannot be logged.", metadata: ["file": "\(path)", "reason": "\(reason)"])
      return nil
    }
    logger.warning(
      "The keys of all TLS connections are written to a file: whoever has it can read them.",
      metadata: ["file": "\(path)"])
    return { file.write($0) }
  }

  private static func path(of choice: TLSPolicy.KeyLog) -> String? {
    switch choice {
    case .off: nil
    case .file(let path): path
    case .environment: unsafe getenv("SSLKEYLOGFILE").map { unsafe String(cString: $0) }
    }
  }
}
