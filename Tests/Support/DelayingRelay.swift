internal import Foundation

/// Stands between a client and a server as a long link does: what goes in comes out later, in each
/// direction, and no faster than the link carries.
///
/// The link takes no more than it can carry in time: who sends faster has to wait, as in TCP.
package final class DelayingRelay: Sendable {
  /// What a link is like, in each direction.
  package struct Link: Sendable {
    package var delay: Duration
    package var bytesPerSecond: Int

    /// - Parameter delay: From one side to the other: half a round trip.
    package init(delay: Duration, bytesPerSecond: Int) {
      self.delay = delay
      self.bytesPerSecond = bytesPerSecond
    }
  }

  private let listener: BlockingSocket
  private let connections = Connections()
  package let port: Int

  /// - Parameter serverPort: a port of this machine.
  package init(to serverPort: Int, _ link: Link) throws {
    let listener = try BlockingSocket.listen()
    self.listener = listener
    port = listener.port
    let connections = connections
    Thread.detachNewThread {
      while let client = try? listener.accept() {
        guard let server = try? BlockingSocket.connect(port: serverPort) else { continue }
        connections.add(client, server)
        for (source, destination) in [(client, server), (server, client)] {
          let pipe = Pipe(link)
          Thread.detachNewThread { pipe.fill(from: source) }
          Thread.detachNewThread { pipe.empty(into: destination) }
        }
      }
    }
  }

  deinit {
    listener.stop()
    connections.stop()
  }

  /// Where clients connect to.
  package var target: String { "127.0.0.1:\(port)" }

  private final class Connections: @unchecked Sendable {
    // `@unchecked Sendable` because the lock guards the one field.
    private let lock = NSLock()
    private var sockets: [BlockingSocket] = []

    func add(_ sockets: BlockingSocket...) { lock.withLock { self.sockets += sockets } }
    func stop() { lock.withLock { for socket in sockets { socket.stop() } } }
  }
}

/// One direction of a link.
private final class Pipe: @unchecked Sendable {
  // `@unchecked Sendable` because the condition guards what changes.
  private typealias Instant = ContinuousClock.Instant

  private enum End { case closed, reset }

  /// What may stand in front of the link, as in a router: more makes the sender wait.
  private static let maxQueue: Duration = .milliseconds(5)

  private let link: DelayingRelay.Link
  private let condition = NSCondition()
  private var packets: [(bytes: [UInt8], due: Instant)] = []
  private var end: End?
  private var isBroken = false

  init(_ link: DelayingRelay.Link) { self.link = link }

  func fill(from source: BlockingSocket) {
    // When the link has carried what it has taken so far.
    var isFree = Instant.now
    while true {
      switch try? source.receive(until: .now + .seconds(600)) {
      case .bytes(let bytes):
        isFree = max(isFree, .now) + .seconds(1) * bytes.count / link.bytesPerSecond
        guard put(bytes, due: isFree + link.delay) else { return source.vanish() }
        wait(until: isFree - Self.maxQueue)
      case .end(wasReset: false): return finish(.closed)
      case .end(wasReset: true), .nothing, nil: return finish(.reset)
      }
    }
  }

  func empty(into destination: BlockingSocket) {
    while let (bytes, due) = next() {
      wait(until: due)
      do {
        try destination.send(bytes)
      } catch {
        return condition.withLock {
          isBroken = true
          condition.broadcast()
        }
      }
    }
    if end == .closed { destination.finishSending() } else { destination.vanish() }
  }

  /// The link's delay itself: nobody could tell earlier that it is over.
  private func wait(until instant: Instant) {
    condition.withLock {
      while case let left = instant - .now, left > .zero {
        _ = condition.wait(until: Date(timeIntervalSinceNow: left / .seconds(1)))
      }
    }
  }

  /// Waits while more is under way than the link can hold, as the far side does not take it.
  ///
  /// - Returns: whether the far side still takes it.
  private func put(_ bytes: [UInt8], due: Instant) -> Bool {
    let maxLateness = link.delay + Self.maxQueue
    return condition.withLock {
      while let first = packets.first, first.due + maxLateness < .now, !isBroken {
        _ = condition.wait(until: Date(timeIntervalSinceNow: 0.001))
      }
      packets.append((bytes, due))
      condition.broadcast()
      return !isBroken
    }
  }

  private func finish(_ end: End) {
    condition.withLock {
      self.end = end
      condition.broadcast()
    }
  }

  private func next() -> (bytes: [UInt8], due: Instant)? {
    condition.withLock {
      while packets.isEmpty, end == nil { condition.wait() }
      return packets.isEmpty ? nil : packets.removeFirst()
    }
  }
}
