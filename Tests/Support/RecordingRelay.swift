internal import Foundation

/// Stands between a client and a server, hands everything on as it is, and notes the frames: to see
/// what two programs say to each other that do not tell it themselves.
package final class RecordingRelay: Sendable {
  private let listener: BlockingSocket
  private let state = State()
  /// Where the client connects to.
  package let port: Int

  /// - Parameter serverPort: of the server, on this machine.
  package init(to serverPort: Int) throws {
    let listener = try BlockingSocket.listen()
    self.listener = listener
    port = listener.port
    let state = state
    Thread.detachNewThread {
      while let client = try? listener.accept() {
        guard let server = try? BlockingSocket.connect(port: serverPort) else {
          client.stop()
          continue
        }
        state.begin(client, server)
      }
    }
  }

  deinit { stop() }

  package func stop() {
    listener.stop()
    state.stop()
  }

  /// What the client of the first connection has said so far: all of it that the server has heard.
  package var requests: Conversation { state.conversation(0) }
  /// What the server has said so far: all of it that the client has heard.
  package var responses: Conversation { state.conversation(1) }
}

extension RecordingRelay {
  /// What the relay's threads share. `@unchecked Sendable` because the lock guards it all.
  private final class State: @unchecked Sendable {
    private let lock = NSLock()
    private var sockets: [BlockingSocket] = []
    /// Two a connection: of its client, of its server.
    private var recorders: [FrameRecorder] = []
    private var prefacesLeft: [Int] = []

    func begin(_ client: BlockingSocket, _ server: BlockingSocket) {
      let first = lock.withLock {
        sockets += [client, server]
        recorders += [FrameRecorder(), FrameRecorder()]
        prefacesLeft += [ScriptedPeer.preface.count, 0]
        return recorders.count - 2
      }
      Thread.detachNewThread { [self] in handOn(from: client, to: server, first) }
      Thread.detachNewThread { [self] in handOn(from: server, to: client, first + 1) }
    }

    private func handOn(from source: BlockingSocket, to target: BlockingSocket, _ number: Int) {
      let limit = ContinuousClock.now + .seconds(120)
      while case .bytes(let bytes)? = try? source.receive(until: limit) {
        // Noted first: who has heard it finds it noted.
        lock.withLock { note(bytes, number) }
        guard (try? target.send(bytes)) != nil else { break }
      }
      target.finishSending()
    }

    private func note(_ bytes: [UInt8], _ number: Int) {
      let skipped = min(prefacesLeft[number], bytes.count)
      prefacesLeft[number] -= skipped
      recorders[number].rest += bytes.dropFirst(skipped)
      do {
        try recorders[number].takeFrames()
      } catch {
        recorders[number].seen.transcript.append("!! \(error)")
      }
    }

    func conversation(_ number: Int) -> Conversation {
      lock.withLock { number < recorders.count ? recorders[number].seen : Conversation() }
    }

    func stop() {
      lock.withLock { for socket in sockets { socket.stop() } }
    }
  }
}
