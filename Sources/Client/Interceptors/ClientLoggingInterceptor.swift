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

  public nonisolated(nonsending) func intercept(_ call: ClientCall, next: Next) async throws {
    if log.isOff { return try await next() }
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
    let peer = call.peer.map { "\($0)" } ?? "none"
    log.write("Call made.", method: call.method, peer: peer, status: status, record: record)
  }
}
