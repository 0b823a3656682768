public import Logging
internal import TernCore
internal import TernEventLoop
internal import TernTransport

/// Writes one line a call to a log: its method, the client, the status, how long it took, and how
/// much was said.
///
/// ```swift
/// options.interceptors = [ServerLoggingInterceptor(logger: logger)]
/// ```
///
/// The line has the metadata `method`, `peer`, `status`, `duration`, `requests`, `request_bytes`,
/// `responses` and `response_bytes` (before compression), and `reason` for a call that failed. A logger
/// whose level leaves the line out costs a call next to nothing. Put it first, so that it sees what
/// other interceptors refuse.
public struct ServerLoggingInterceptor: ServerInterceptor {
  private let log: CallLog

  /// - Parameters:
  ///   - logger: Gets the lines.
  ///   - level: Of calls whose status is OK.
  ///   - failureLevel: Of all others.
  public init(
    logger: Logger, level: Logger.Level = .info, failureLevel: Logger.Level = .info
  ) {
    log = CallLog(logger, level, failureLevel)
  }

  public nonisolated(nonsending) func intercept(_ call: ServerCall, next: Next) async throws {
    if log.isOff { return try await next() }
    let record = CallRecord(clock: call.stream.loop.clock)
    call.onRequest { record.noteRequest($0) }
    call.onResponse { record.noteResponse($0) }
    do {
      try await next()
      write(call, .ok, record)
    } catch {
      write(call, Status(ofHandlerError: error), record)
      throw error
    }
  }

  private func write(_ call: ServerCall, _ status: Status, _ record: CallRecord) {
    // What the client was told counts, not what the handler said later.
    let status = call.earlyFailure?.status ?? status
    log.write(
      "Call served.", method: call.method, peer: "\(call.peer)", status: status, record: record)
  }
}
