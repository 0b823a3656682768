internal import Foundation

/// Stands between a client and a server, passes on what they say, and keeps it.
///
/// What has reached one side is already recorded. Of a connection over TLS there are only bytes.
package final class RecordingRelay: Sendable {
  package enum Direction: Sendable, Hashable, CaseIterable { case toServer, toClient }

  /// How the relay passes bytes on.
  package enum Manner: Sendable, Hashable {
    case atOnce
    /// So many bytes a packet.
    case inChunks(bytes: Int)
    /// Accepts, reads, and passes nothing on.
    case never
    /// Vanishes on both sides, with a reset, once so many bytes went in one direction.
    case vanishing(Direction, afterBytes: Int)
  }

  package struct Failure: Error, CustomStringConvertible {
    package var description: String

    package init(description: String) { self.description = description }
  }

  private let listener: BlockingSocket
  private let record = Record()
  package let port: Int

  /// - Parameter serverPort: a port of this machine.
  package init(to serverPort: Int, _ manner: Manner = .atOnce) throws {
    let listener = try BlockingSocket.listen()
    self.listener = listener
    port = listener.port
    let record = record
    Thread.detachNewThread {
      while let client = try? listener.accept() {
        // A client whose server is not there sees what it would see without the relay: the end.
        guard let server = try? BlockingSocket.connect(port: serverPort) else { continue }
        Self.pass(manner, between: client, and: server, record)
      }
    }
  }

  deinit {
    listener.stop()
    record.stopConnections()
  }

  /// Where clients connect to.
  package var target: String { "127.0.0.1:\(port)" }

  /// How many connections there were.
  package var connectionCount: Int { record.connectionCount }

  /// Breaks the connections of now, with a reset to both sides. New ones are passed on as before.
  package func cut() { record.vanish() }

  /// What went in one direction, on the first connection or another.
  package func bytes(_ direction: Direction, connection: Int = 0) -> [UInt8] {
    record.bytes(direction, connection)
  }

  /// What one side said, on the first connection or another.
  ///
  /// - Throws: if it is not HTTP/2.
  package func conversation(
    _ direction: Direction, connection: Int = 0
  ) throws -> Conversation {
    // Up to any size of table that the other direction's SETTINGS might have allowed.
    var reader = FrameReader(HeaderBlockDecoder(maxTableBytes: 1 << 20))
    reader.append(bytes(direction, connection: connection))
    if direction == .toServer, !reader.takePreface() {
      throw Failure(description: "Not HTTP/2: \(reader.rest.prefix(24))")
    }
    var seen = Conversation()
    for frame in reader.frames() {
      seen.transcript.append("\(frame)")
      switch reader.block(endedBy: frame) {
      case .none: seen.note(frame, fields: nil)
      case .fields(let fields): seen.note(frame, fields: fields)
      case .unreadable:
        throw Failure(description: "HPACK cannot read a header block: \(seen.transcript)")
      }
    }
    return seen
  }

  /// What the client of the first connection has said.
  package var requests: Conversation { get throws { try conversation(.toServer) } }
  /// What the server of the first connection has said.
  package var responses: Conversation { get throws { try conversation(.toClient) } }

  /// The streams of all connections, in the order in which they were opened.
  package func streams(_ direction: Direction) throws -> [Conversation.Stream] {
    try (0..<connectionCount).flatMap { connection in
      try conversation(direction, connection: connection).streams
        .sorted { $0.key < $1.key }.map(\.value)
    }
  }

  /// The messages of each stream of all connections, as they travelled.
  package func messages(
    _ direction: Direction
  ) throws -> [[(isCompressed: Bool, payloadBytes: Int)]] {
    try streams(direction).map { stream in
      stream.framedMessages.map { ($0.isCompressed, $0.payload.count) }
    }
  }
}

// MARK: - The threads

extension RecordingRelay {
  private static func pass(
    _ manner: Manner, between client: BlockingSocket, and server: BlockingSocket, _ record: Record
  ) {
    if case .inChunks = manner {
      client.sendAtOnce()
      server.sendAtOnce()
    }
    let number = record.begin(client, server)
    Thread.detachNewThread { pass(manner, .toServer, from: client, to: server, number, record) }
    Thread.detachNewThread { pass(manner, .toClient, from: server, to: client, number, record) }
  }

  /// Passes on what comes until its end, and then that as well.
  private static func pass(
    _ manner: Manner, _ direction: Direction, from source: BlockingSocket,
    to destination: BlockingSocket, _ number: Int, _ record: Record
  ) {
    defer { record.endDirection(number) }
    while true {
      // Sockets that are stopped from elsewhere end as if by their peer, or fail.
      switch try? source.receive(until: .now + .seconds(600)) {
      case .bytes(let bytes):
        let goesOn = pass(bytes, manner, direction, from: source, to: destination, number, record)
        guard goesOn else { return }
      case .end(wasReset: false): return destination.finishSending()
      case .end(wasReset: true), .nothing, nil: return destination.vanish()
      }
    }
  }

  /// - Returns: whether it goes on.
  private static func pass(
    _ bytes: [UInt8], _ manner: Manner, _ direction: Direction, from source: BlockingSocket,
    to destination: BlockingSocket, _ number: Int, _ record: Record
  ) -> Bool {
    do {
      switch manner {
      case .atOnce:
        record.note(bytes, direction, number)
        try destination.send(bytes)
      case .inChunks(let count):
        record.note(bytes, direction, number)
        for start in stride(from: 0, to: bytes.count, by: count) {
          try destination.send(Array(bytes[start..<min(start + count, bytes.count)]))
        }
      case .never: record.note(bytes, direction, number)
      case .vanishing(let watched, let limit):
        let room = direction == watched ? limit - record.bytes(direction, number).count : .max
        let passed = Array(bytes.prefix(max(0, room)))
        record.note(passed, direction, number)
        try destination.send(passed)
        if passed.count == room { record.vanish(number) }
      }
      return true
    } catch {
      // Nobody reads there any more. The source learns of it as it would without the relay.
      source.vanish()
      return false
    }
  }

  /// What the threads share. `@unchecked Sendable` because the lock guards it all.
  private final class Record: @unchecked Sendable {
    private struct Connection {
      /// Empty once both directions have ended.
      var sockets: [BlockingSocket]
      var openDirections = 2
      var bytes: [Direction: [UInt8]] = [:]
    }

    private let lock = NSLock()
    private var connections: [Connection] = []

    var connectionCount: Int { lock.withLock { connections.count } }

    func begin(_ client: BlockingSocket, _ server: BlockingSocket) -> Int {
      lock.withLock {
        connections.append(Connection(sockets: [client, server]))
        return connections.count - 1
      }
    }

    func note(_ bytes: [UInt8], _ direction: Direction, _ number: Int) {
      lock.withLock { connections[number].bytes[direction, default: []] += bytes }
    }

    func bytes(_ direction: Direction, _ number: Int) -> [UInt8] {
      lock.withLock {
        connections.indices.contains(number) ? connections[number].bytes[direction] ?? [] : []
      }
    }

    func endDirection(_ number: Int) {
      lock.withLock {
        connections[number].openDirections -= 1
        if connections[number].openDirections == 0 { connections[number].sockets = [] }
      }
    }

    /// Resets all connections, or one.
    func vanish(_ number: Int? = nil) {
      lock.withLock {
        for index in connections.indices where index == number ?? index {
          for socket in connections[index].sockets { socket.vanish() }
        }
      }
    }

    func stopConnections() {
      lock.withLock {
        for socket in connections.flatMap(\.sockets) { socket.stop() }
      }
    }
  }
}
