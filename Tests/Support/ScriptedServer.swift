internal import Foundation

/// A server that plays one script a connection: the first script to the first connection, and so
/// on; connections beyond the last script are closed at once.
///
/// After its last step a connection stays open and polite until the other side closes it.
package final class ScriptedServer: Sendable {
  private let listener: BlockingSocket
  private let state: State
  package let port: Int

  package convenience init(
    waitLimit: Duration = defaultWaitLimit, _ scripts: [Step]...
  ) throws {
    try self.init(waitLimit: waitLimit) { scripts.indices.contains($0) ? scripts[$0] : nil }
  }

  /// - Parameters:
  ///   - port: a port of this machine; 0 picks a free one.
  ///   - onFailure: is told when a script waited for something in vain.
  ///   - script: what to play to a connection; the first one has number 0.
  package init(
    port: Int = 0, waitLimit: Duration = defaultWaitLimit,
    onFailure: @escaping @Sendable (any Error) -> Void = { _ in },
    script: @escaping @Sendable (Int) -> [Step]?
  ) throws {
    let listener = try BlockingSocket.listen(port: port)
    self.listener = listener
    self.port = listener.port
    let state = State(onFailure: onFailure)
    self.state = state
    Thread.detachNewThread {
      var connections = 0
      while let socket = try? listener.accept() {
        let script = script(connections)
        connections += 1
        guard let script else { continue }
        let number = state.begin(socket)
        Thread.detachNewThread {
          Self.run(script, on: ScriptedPeer(socket, waitLimit: waitLimit), number: number, state)
        }
      }
    }
  }

  deinit { stop() }

  /// Where to connect to.
  package var target: String { "127.0.0.1:\(port)" }

  /// Waits until each connection's script has been played, and ends the server.
  ///
  /// - Returns: what its connections have seen, the first one first.
  /// - Throws: what a script waited for in vain.
  package func finish() async throws -> [Conversation] {
    try await onOwnThread { [self] in
      state.waitForScripts()
      stop()
      return try state.results()
    }
  }

  /// The same, for what the first connection has seen.
  package func firstConversation() async throws -> Conversation {
    guard let first = try await finish().first else {
      throw BlockingSocket.Failure(description: "Nobody connected.")
    }
    return first
  }

  private func stop() {
    listener.stop()
    state.stopConnections()
  }

  private static func run(
    _ script: [Step], on peer: ScriptedPeer, number: Int, _ state: State
  ) {
    do {
      for step in script { try step.run(peer) }
    } catch {
      state.hasPlayed(failure: error)
      return state.end(number, peer.seen)
    }
    state.hasPlayed(failure: nil)
    // What a client does wrong after the script is for others to find.
    try? peer.readToEnd(limit: .seconds(60))
    state.end(number, peer.seen)
  }
}

extension ScriptedServer {
  /// What the server's threads share. `@unchecked Sendable` because the condition guards it all.
  private final class State: @unchecked Sendable {
    private let condition = NSCondition()
    private var sockets: [BlockingSocket] = []
    private var conversations: [Int: Conversation] = [:]
    private var playing = 0
    private var failures: [any Error] = []
    private let onFailure: @Sendable (any Error) -> Void

    init(onFailure: @escaping @Sendable (any Error) -> Void) { self.onFailure = onFailure }

    /// - Returns: the number of the connection.
    func begin(_ socket: BlockingSocket) -> Int {
      condition.withLock {
        sockets.append(socket)
        playing += 1
        return sockets.count - 1
      }
    }

    func hasPlayed(failure: (any Error)?) {
      condition.withLock {
        playing -= 1
        if let failure { failures.append(failure) }
        condition.broadcast()
      }
      if let failure { onFailure(failure) }
    }

    func end(_ number: Int, _ seen: Conversation) {
      condition.withLock {
        conversations[number] = seen
        condition.broadcast()
      }
    }

    func waitForScripts() {
      condition.withLock { while playing > 0 { condition.wait() } }
    }

    func stopConnections() {
      condition.withLock { for socket in sockets { socket.stop() } }
    }

    func results() throws -> [Conversation] {
      try condition.withLock {
        while conversations.count < sockets.count { condition.wait() }
        if let failure = failures.first { throw failure }
        return sockets.indices.compactMap { conversations[$0] }
      }
    }
  }
}
