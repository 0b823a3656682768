internal import TestSupport

/// The server of ``HostileCase``: serves any number of connections, each with any number of calls,
/// which it answers one after the other as the case says.
package final class HostileServer: Sendable {
  /// What the clients together did wrong.
  package struct Complaint: Error, CustomStringConvertible {
    package let description: String
  }

  private let testCase: HostileCase
  private let server: ScriptedServer

  /// - Parameters:
  ///   - port: a port of this machine; 0 picks a free one.
  ///   - waitLimit: how long it waits for the next call of a connection, and for whatever else.
  ///   - onComplaint: is told at once what a client did wrong.
  package init(
    _ testCase: HostileCase, port: Int = 0, waitLimit: Duration = defaultWaitLimit,
    onComplaint: @escaping @Sendable (any Error) -> Void = { _ in }
  ) throws {
    self.testCase = testCase
    server = try ScriptedServer(port: port, waitLimit: waitLimit, onFailure: onComplaint) { _ in
      [
        Step(testCase.rawValue) { peer in
          var connection = HostileConnection(peer, testCase)
          do {
            try connection.serve()
          } catch {
            // The client is not to wait for what does not come any more.
            peer.close()
            throw error
          }
        }
      ]
    }
  }

  package var port: Int { server.port }

  /// Waits until the clients have left, and ends the server.
  ///
  /// - Throws: what they did wrong.
  package func finish() async throws {
    let connections = try await server.finish()
    // Spec: W77 (RFC 9113, GOAWAY: the next call uses another connection)
    let called = connections.count { !$0.streams.isEmpty }
    if testCase == .goAway, called < 2 {
      throw Complaint(
        description: "\(called) connections had calls; after GOAWAY there have to be two.")
    }
  }
}
