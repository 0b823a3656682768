public import Logging
internal import TernCore
internal import TernEventLoop
internal import TernTransport

/// Writes one line a call to a log: its method, the server, the status, how long it took, and how
/// much was said.
///
/// ```swift
/// options.interceptors = [ClientLoggingInterceptor(logger: logger)]
/// ```
///
/// The line has the metadata `method`, `peer`, `status`, `duration`, `requests`, `request_bytes`,
/// `responses` and `response_bytes` (before compression), and `reason` for a call that failed. Put it
/// first, so that it sees what other interceptors make of a call.
public struct ClientLoggingInterceptor: ClientInterceptor {
  private let logger: Logger
  private let level: Logger.Level
  private let failureLevel: Logger.Level

  /// - Parameters:
  ///   - logger: Gets the lines.
  ///   - level: Of calls whose status is OK.
  ///   - failureLevel: Of all others.
  public init(
    logger: Logger, level: Logger.Level = .info, failureLevel: Logger.Level = .info
  ) {
    self.logger = logger
    self.level = level
    self.failureLevel = failureLevel
  }

  public nonisolated(nonsending) func intercept(_ call: ClientCall, next: Next) async throws {
    if min(level, failureLevel) < logger.logLevel { return try await next() }
    let record = CallRecord(clock: call.call.stream.loop.clock)
    call.onRequest { record.noteRequest($0) }
    call.onResponse { record.noteResponse($0) }
    do {
      try await next()
      write(call, .ok, record)
    } catch {
      let status = (error as? RPCError)?.status ?? Status(.internal, "\(error)")
      write(call, status, record)
      throw error
    }
  }

  private func write(_ call: ClientCall, _ status: Status, _ record: CallRecord) {
    var metadata = record.metadata(status)
    metadata["method"] = "\(call.method)"
    metadata["peer"] = call.peer.map { "\($0)" } ?? "none"
    logger.log(level: status.isOK ? level : failureLevel, "Call made.", metadata: metadata)
  }
}
