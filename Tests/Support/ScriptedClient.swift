internal import Foundation

/// How long a script waits for one thing. Only what hangs should get there, also on a busy machine
/// while other suites keep the threads of Swift's pool for themselves.
package let defaultWaitLimit = Duration.seconds(50)

/// Runs what waits on a thread of its own, since the threads of Swift's pool must not be blocked.
package func onOwnThread<Result: Sendable>(
  _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
  }
}

/// Plays the client's part against a server on `port` of this machine.
///
/// - Returns: all that the server said, until the script's last step.
package func play(
  to port: Int, waitLimit: Duration = defaultWaitLimit, _ steps: [Step]
) async throws -> Conversation {
  try await onOwnThread {
    let peer = ScriptedPeer(try .connect(port: port), waitLimit: waitLimit)
    defer { peer.close() }
    for step in steps { try step.run(peer) }
    return peer.seen
  }
}
