import Glibc
import Testing

@testable import TernEventLoop

/// Runs `body` with a loop of its own, and stops the loop.
func withLoop<Result>(
  clock: EventLoopClock = .system, kernel: Kernel = .system,
  _ body: (EventLoop) async throws -> Result
) async throws -> Result {
  let loop = try EventLoop(clock: clock, kernel: kernel)
  try loop.start()
  defer { loop.stop() }
  return try await body(loop)
}

extension EventLoop {
  /// Runs `body` on the loop and returns what it returns.
  func perform<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws
    -> Result
  {
    try await withCheckedThrowingContinuation { continuation in
      submit { continuation.resume(with: Swift.Result { try body() }) }
    }
  }
}

/// What several threads note, in the order in which they come.
final class Notes<Element: Sendable>: @unchecked Sendable {
  // `@unchecked Sendable` because `lock` guards both variables.
  private let lock = Lock()
  private var elements: [Element] = []
  private var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

  func append(_ element: Element) {
    lock.lock()
    elements.append(element)
    let count = elements.count
    let ready = waiters.filter { $0.count <= count }
    waiters.removeAll { $0.count <= count }
    lock.unlock()
    for waiter in ready { waiter.continuation.resume() }
  }

  var all: [Element] {
    lock.lock()
    defer { lock.unlock() }
    return elements
  }

  var count: Int { all.count }

  /// Waits until there are so many.
  func reach(_ count: Int) async {
    await withCheckedContinuation { continuation in
      lock.lock()
      let isThere = elements.count >= count
      if !isThere { waiters.append((count, continuation)) }
      lock.unlock()
      if isThere { continuation.resume() }
    }
  }
}

/// Two connected sockets, the first of which a loop can watch.
final class SocketPair: @unchecked Sendable {
  // `@unchecked Sendable` because it only holds two numbers.
  let near: CInt
  let far: CInt

  init() throws {
    var ends: [CInt] = [0, 0]
    let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
    guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else {
      throw SystemError(call: "socketpair", code: errno)
    }
    near = ends[0]
    far = ends[1]
  }

  deinit {
    _ = close(near)
    _ = close(far)
  }

  /// Makes the near end readable.
  func poke() { _ = unsafe Glibc.write(far, "x", 1) }

  func hangUp() { _ = Glibc.shutdown(far, CInt(SHUT_RDWR)) }

  /// Takes all there is, so that the near end is not readable any more.
  func drain() {
    var bytes = [UInt8](repeating: 0, count: 100)
    while unsafe Glibc.read(near, &bytes, bytes.count) > 0 {}
  }
}

/// A source that calls a function.
final class TestSource: EventSource, @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it.
  let registration = SourceRegistration()
  private let onReadiness: (TestSource, Readiness) -> Void

  init(_ onReadiness: @escaping (TestSource, Readiness) -> Void) {
    self.onReadiness = onReadiness
  }

  func receiveReadiness(_ readiness: Readiness) { onReadiness(self, readiness) }
}

/// An actor whose executor is a loop.
actor LoopActor {
  private let loop: EventLoop
  private(set) var count = 0

  init(on loop: EventLoop) { self.loop = loop }

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe loop.asUnownedSerialExecutor()
  }

  func increment() {
    preconditionIsolated()
    count += 1
  }
}

func wait(for events: Int32, on descriptor: CInt) {
  var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
  while unsafe poll(&entry, 1, -1) == -1 {}
}
