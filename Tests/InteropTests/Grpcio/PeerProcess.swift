import Foundation

/// A program of Tests/Peers, running under the Python of `.venv`.
///
/// It ends by itself when its standard input does, and so with these tests, however they end.
final class PeerProcess: Sendable {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private let process = Process()
  private let input = Pipe()
  private let output = PeerOutput()

  private static let root = URL(filePath: #filePath).appending(path: "../../../..").standardized

  init(_ script: String, _ arguments: [String]) throws {
    let python = Self.root.appending(path: ".venv/bin/python")
    guard FileManager.default.isExecutableFile(atPath: python.path) else {
      throw Failure(description: "There is no gRPC Python in .venv: run make test")
    }
    let pipe = Pipe()
    process.executableURL = python
    process.arguments = [Self.root.appending(path: "Tests/Peers/\(script)").path] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      // Leaves no __pycache__ behind, and writes lines at once.
      ["PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"]) { _, ours in ours }
    process.standardInput = input
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    output.collect(from: pipe.fileHandleForReading)
  }

  // One that was never started cannot be terminated: Foundation traps.
  deinit { if process.isRunning { process.terminate() } }

  /// All that it has printed so far, to stdout and stderr.
  var text: String { output.text }

  /// Waits for the line that begins with `prefix`, and returns its rest.
  func line(after prefix: String) async throws -> String {
    for await lines in output.lines() {
      if let line = lines.first(where: { $0.hasPrefix(prefix) }) {
        return String(line.dropFirst(prefix.count))
      }
    }
    throw Failure(description: "The peer never said '\(prefix)…'. It said: \(text)")
  }

  /// Waits for its end. Returns its exit code, and all that it has printed.
  func end() async -> (code: Int32, text: String) {
    for await _ in output.lines() {}
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }
}

/// What a process prints. `@unchecked Sendable` because the lock guards it all.
private final class PeerOutput: @unchecked Sendable {
  private let lock = NSLock()
  private var bytes = Data()
  private var hasEnded = false
  private var listeners: [AsyncStream<[Substring]>.Continuation] = []

  var text: String { lock.withLock { String(decoding: bytes, as: UTF8.self) } }

  /// The whole lines so far, again each time when there are more, until the output ends.
  func lines() -> AsyncStream<[Substring]> {
    let (stream, listener) = AsyncStream<[Substring]>.makeStream()
    lock.withLock {
      listener.yield(wholeLines)
      if hasEnded { listener.finish() } else { listeners.append(listener) }
    }
    return stream
  }

  /// Reads on a thread of its own, which ends with the process.
  func collect(from handle: FileHandle) {
    Thread.detachNewThread { [self] in
      while true {
        let chunk = handle.availableData
        lock.withLock { take(chunk) }
        if chunk.isEmpty { return }
      }
    }
  }

  private func take(_ chunk: Data) {
    bytes += chunk
    hasEnded = chunk.isEmpty
    for listener in listeners {
      listener.yield(wholeLines)
      if hasEnded { listener.finish() }
    }
  }

  private var wholeLines: [Substring] {
    String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast()
  }
}
