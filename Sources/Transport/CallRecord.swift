package import Logging
package import TernCore
package import TernEventLoop

/// What is counted of one call for the line that is logged about it.
package final class CallRecord: Sendable {
  private struct Counts {
    var messages = 0
    var bytes = 0
  }

  private let clock: EventLoopClock
  private let start: Int64
  private let requests = Guarded(Counts())
  private let responses = Guarded(Counts())

  package init(clock: EventLoopClock) {
    self.clock = clock
    start = clock.nanoseconds
  }

  package func noteRequest(_ message: InterceptedMessage) { Self.note(message, in: requests) }
  package func noteResponse(_ message: InterceptedMessage) { Self.note(message, in: responses) }

  private static func note(_ message: InterceptedMessage, in counts: Guarded<Counts>) {
    counts.withLock {
      $0.messages += 1
      $0.bytes += message.byteCount
    }
  }

  /// The line's metadata, as far as both sides have the same.
  package func metadata(_ status: Status) -> Logger.Metadata {
    let requests = requests.withLock { $0 }
    let responses = responses.withLock { $0 }
    var metadata: Logger.Metadata = [
      "status": "\(status.code)",
      "duration": "\(Duration.nanoseconds(clock.nanoseconds - start))",
      "requests": "\(requests.messages)", "request_bytes": "\(requests.bytes)",
      "responses": "\(responses.messages)", "response_bytes": "\(responses.bytes)",
    ]
    if !status.isOK { metadata["reason"] = "\(status.message)" }
    return metadata
  }
}
