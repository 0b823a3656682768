package import Logging
package import TernCore

/// Where the logging interceptors write their line, on either side.
package struct CallLog: Sendable {
  private let logger: Logger
  private let level: Logger.Level
  private let failureLevel: Logger.Level

  /// - Parameters:
  ///   - level: Of calls whose status is OK.
  ///   - failureLevel: Of all others.
  package init(_ logger: Logger, _ level: Logger.Level, _ failureLevel: Logger.Level) {
    self.logger = logger
    self.level = level
    self.failureLevel = failureLevel
  }

  /// Whether the logger leaves out whatever a call may end with.
  package var isOff: Bool { min(level, failureLevel) < logger.logLevel }

  package func write(
    _ message: Logger.Message, method: MethodDescriptor, peer: String, status: Status,
    record: CallRecord
  ) {
    var metadata = record.metadata(status)
    metadata["method"] = "\(method)"
    metadata["peer"] = "\(peer)"
    logger.log(level: status.isOK ? level : failureLevel, message, metadata: metadata)
  }
}
