internal import CLinux
internal import Glibc
internal import Synchronization

/// The loops that servers and channels share.
///
/// Most programs use ``shared``, which has one loop a processor. Make one of your own to give a
/// server processors of its own, or to test with a ``ManualClock``.
public final class EventLoopGroup: Sendable {
  package let loops: [EventLoop]

  /// For the whole process: one loop for each processor that the process may use.
  public static let shared = EventLoopGroup()

  /// - Parameter loopCount: How many loops, at least one. `nil`: as many as processors that the
  ///   process may use, by its affinity mask and its cgroup's quota.
  public init(loopCount: Int? = nil, clock: EventLoopClock = .system) {
    let count = max(1, loopCount ?? Self.usableProcessors)
    loops = (0..<count).map { _ in Self.startedLoop(clock) }
  }

  private static func startedLoop(_ clock: EventLoopClock) -> EventLoop {
    do {
      let loop = try EventLoop(clock: clock)
      try loop.start()
      return loop
    } catch {
      // Without descriptors or threads at start a program cannot do anything else either.
      // because: no peer can cause it, and there is no caller that could go on without a loop.
      fatalError(
        "Cannot start an event loop: \(error). Raise the limits of the process (ulimit -n, -u).")
    }
  }

  deinit {
    for loop in loops { loop.stop() }
  }

  /// The loop with the fewest connections.
  package func leastLoaded() -> EventLoop {
    var best = loops[0]
    for loop in loops.dropFirst()
    where loop.connectionCount < best.connectionCount {
      best = loop
    }
    return best
  }

  // MARK: Processors

  package static var usableProcessors: Int {
    let online = max(1, Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))))
    let allowed = Int(tern_usable_processors())
    let processors = allowed > 0 ? min(allowed, online) : online
    return max(1, min(processors, cgroupProcessors ?? processors))
  }

  /// The quota of the process's cgroup, in whole processors; `nil` if there is none.
  private static var cgroupProcessors: Int? {
    guard let text = firstLine(of: "/sys/fs/cgroup/cpu.max") else { return nil }
    return processors(ofQuota: text)
  }

  /// Reads `QUOTA PERIOD`, both in microseconds; `max` stands for no quota.
  ///
  /// Source: the kernel's Documentation/admin-guide/cgroup-v2.rst, "cpu.max"
  static func processors(ofQuota text: String) -> Int? {
    let fields = text.split(separator: " ")
    guard fields.count == 2, let quota = Int(fields[0]), let period = Int(fields[1]), period > 0
    else { return nil }
    return max(1, quota / period + (quota % period > 0 ? 1 : 0))
  }

  private static func firstLine(of path: String) -> String? {
    guard let file = unsafe fopen(path, "r") else { return nil }
    defer { unsafe fclose(file) }
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
      guard let start = text.baseAddress,
        let line = unsafe fgets(start, CInt(text.count), file)
      else { return nil }
      return unsafe String(cString: line).split(separator: "\n").first.map(String.init)
    }
  }
}
