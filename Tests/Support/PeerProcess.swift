internal import Foundation
internal import Glibc

/// A foreign program that a test talks with, such as `openssl s_client` or one of Tests/Peers.
///
/// It is killed with this object. Its standard input ends with these tests, however they end; the
/// programs of Tests/Peers end then by themselves.
///
/// Started without Foundation's `Process`, whose children inherit the signal mask of the thread
/// that starts them (in Swift's pool that blocks SIGTERM) and each other's descriptors.
package final class PeerProcess: Sendable {
  package struct Failure: Error, CustomStringConvertible {
    package var description: String

    package init(description: String) { self.description = description }
  }

  /// The top of this repository.
  package static let repository =
    URL(filePath: #filePath).appending(path: "../../..").standardized.path

  private let input: BlockingSocket
  private let child: Child

  /// - Parameters:
  ///   - program: a path, or a name to look for in `PATH`.
  ///   - environment: in addition to that of the tests.
  package init(
    _ program: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws {
    // Sockets and not pipes, since writing to a pipe whose reader has gone kills the writer.
    let (input, childInput) = try BlockingSocket.pair()
    let (output, childOutput) = try BlockingSocket.pair()
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let processID = try spawn(
      try Self.path(of: program), arguments, variables.map { "\($0)=\($1)" },
      input: childInput, output: childOutput)
    self.input = input
    child = Child(processID)
    child.follow(output)
  }

  deinit { child.kill(SIGKILL) }

  /// All that it has printed so far, to stdout and stderr.
  package var text: String { child.text }

  /// Writes to its standard input.
  package func send(_ text: String) throws { try input.send(Array(text.utf8)) }

  /// Ends its standard input.
  package func finishInput() { input.finishSending() }

  /// Asks it to end, with SIGTERM. ``end()`` waits until it has.
  package func terminate() { child.kill(SIGTERM) }

  /// Waits for the line that begins with `prefix`, and returns its rest.
  package func line(after prefix: String) async throws -> String {
    for await lines in child.lines() {
      if let line = lines.first(where: { $0.hasPrefix(prefix) }) {
        return String(line.dropFirst(prefix.count))
      }
    }
    throw Failure(description: "The peer never said '\(prefix)…'. It said: \(text)")
  }

  /// Waits for its end.
  ///
  /// - Returns: its exit code, or 128 and the number of the signal that killed it; and all that it
  ///   has printed.
  package func end() async -> (code: Int32, text: String) {
    for await _ in child.lines() {}
    return (child.exitCode, text)
  }

  /// The same for one that ends soon: it blocks the thread.
  func waitForEnd() -> (code: Int32, text: String) {
    child.waitForEnd()
    return (child.exitCode, text)
  }

  /// Runs a program that needs no input to its end.
  package static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:]
  ) async throws -> (code: Int32, text: String) {
    let process = try PeerProcess(program, arguments, environment: environment)
    process.finishInput()
    return await process.end()
  }

  private static func path(of program: String) throws -> String {
    if program.contains("/") { return program }
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
      .split(separator: ":")
    for folder in folders {
      let path = "\(folder)/\(program)"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw Failure(description: "There is no '\(program)' in PATH: run Scripts/install-deps")
  }
}

/// A process, until it was waited for, and what it prints. `@unchecked Sendable` because the
/// condition guards all that changes.
private final class Child: @unchecked Sendable {
  private let processID: pid_t
  private let condition = NSCondition()
  private var bytes: [UInt8] = []
  private var status: CInt?
  private var listeners: [AsyncStream<[Substring]>.Continuation] = []

  init(_ processID: pid_t) { self.processID = processID }

  var text: String { condition.withLock { String(decoding: bytes, as: UTF8.self) } }

  var exitCode: Int32 {
    let status = condition.withLock { self.status } ?? 0
    let signal = status & 0x7F
    return signal == 0 ? status >> 8 & 0xFF : 128 + signal
  }

  func kill(_ signal: CInt) {
    // Once it was waited for, its number may be another program's.
    condition.withLock { if status == nil { _ = Glibc.kill(processID, signal) } }
  }

  /// The whole lines so far, again each time when there are more, until the process has ended.
  func lines() -> AsyncStream<[Substring]> {
    let (stream, listener) = AsyncStream<[Substring]>.makeStream()
    condition.withLock {
      listener.yield(wholeLines)
      if status == nil { listeners.append(listener) } else { listener.finish() }
    }
    return stream
  }

  /// Reads on a thread of its own, which ends with the process.
  func follow(_ output: BlockingSocket) {
    Thread.detachNewThread { [self] in
      while case .bytes(let chunk)? = try? output.receive(until: .now + .seconds(3600)) {
        condition.withLock {
          bytes += chunk
          for listener in listeners { listener.yield(wholeLines) }
        }
      }
      var info = unsafe siginfo_t()
      _ = unsafe waitid(P_PID, id_t(processID), &info, WEXITED | WNOWAIT)
      condition.withLock {
        var status: CInt = 0
        _ = unsafe waitpid(processID, &status, 0)
        self.status = status
        for listener in listeners { listener.finish() }
        condition.broadcast()
      }
    }
  }

  func waitForEnd() {
    condition.withLock { while status == nil { condition.wait() } }
  }

  private var wholeLines: [Substring] {
    String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast()
  }
}

/// Starts a program with all signals as they are by default.
private func spawn(
  _ path: String, _ arguments: [String], _ environment: [String], input: BlockingSocket,
  output: BlockingSocket
) throws -> pid_t {
  var actions = unsafe posix_spawn_file_actions_t()
  unsafe posix_spawn_file_actions_init(&actions)
  defer { unsafe posix_spawn_file_actions_destroy(&actions) }
  unsafe posix_spawn_file_actions_adddup2(&actions, input.descriptor, 0)
  unsafe posix_spawn_file_actions_adddup2(&actions, output.descriptor, 1)
  unsafe posix_spawn_file_actions_adddup2(&actions, output.descriptor, 2)

  var attributes = posix_spawnattr_t()
  unsafe posix_spawnattr_init(&attributes)
  defer { unsafe posix_spawnattr_destroy(&attributes) }
  var none = sigset_t()
  unsafe sigemptyset(&none)
  var all = sigset_t()
  unsafe sigfillset(&all)
  unsafe posix_spawnattr_setsigmask(&attributes, &none)
  unsafe posix_spawnattr_setsigdefault(&attributes, &all)
  let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
  unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

  var processID: pid_t = 0
  let code = unsafe withCStrings([path] + arguments) { arguments in
    unsafe withCStrings(environment) { environment in
      unsafe posix_spawn(&processID, path, &actions, &attributes, arguments, environment)
    }
  }
  guard code == 0 else {
    let reason = unsafe String(cString: strerror(code))
    throw PeerProcess.Failure(description: "Cannot start '\(path)': \(reason)")
  }
  return processID
}

/// The strings as C wants a list of them: ended by null.
private func withCStrings<Result>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  let copies = unsafe strings.map { unsafe strdup($0) }
  defer { for index in unsafe copies.indices { unsafe free(copies[index]) } }
  return unsafe body(unsafe copies + [nil])
}
