internal import Glibc
internal import Logging
internal import TernCore
internal import TernEventLoop
internal import TernTLS

/// The TLS context for new connections: made of files, and made again when they change.
@safe final class TLSContextSource: @unchecked Sendable {
  // `@unchecked Sendable` because `lock` guards the variables.
  private let lock = Lock()
  private var context: TLSContext
  private var stamps: [FileStamp]
  private let paths: [String]
  private let logger: Logger
  private let make: @Sendable () throws(TLSConfigurationError) -> TLSContext

  /// Reads all files. Blocks.
  init(
    paths: [String], logger: Logger,
    make: @escaping @Sendable () throws(TLSConfigurationError) -> TLSContext
  ) throws(TLSConfigurationError) {
    self.paths = paths
    self.logger = logger
    self.make = make
    // Before reading: what changes meanwhile is seen the next time.
    stamps = paths.map { FileStamp(path: $0) }
    context = try make()
  }

  var current: TLSContext {
    lock.lock()
    defer { lock.unlock() }
    return context
  }

  /// As `init`.
  static func make(
    paths: [String], logger: Logger,
    make: @escaping @Sendable () throws(TLSConfigurationError) -> TLSContext
  ) throws(CredentialsError) -> TLSContextSource {
    do throws(TLSConfigurationError) {
      return try TLSContextSource(paths: paths, logger: logger, make: make)
    } catch {
      throw CredentialsError(description: error.description)
    }
  }

  /// As `reload`.
  func reloadNow() throws(CredentialsError) {
    do throws(TLSConfigurationError) {
      try reload()
    } catch {
      throw CredentialsError(description: error.description)
    }
  }

  var hasFiles: Bool { !paths.isEmpty }

  /// Reads the files again. Blocks.
  ///
  /// - Throws: If they cannot be used; what was used before stays.
  func reload() throws(TLSConfigurationError) {
    let stamps = paths.map { FileStamp(path: $0) }
    do throws(TLSConfigurationError) {
      let context = try make()
      replace(context, stamps)
      logger.info(
        "New connections use the renewed certificates.",
        metadata: ["files": "\(paths.joined(separator: ", "))"])
    } catch {
      replace(nil, stamps)
      throw error
    }
  }

  private func replace(_ context: TLSContext?, _ stamps: [FileStamp]) {
    lock.lock()
    defer { lock.unlock() }
    if let context { self.context = context }
    self.stamps = stamps
  }

  /// Reads the files again if one has changed since the last time. Blocks.
  func reloadIfChanged() {
    let now = paths.map { FileStamp(path: $0) }
    lock.lock()
    let hasChanged = now != stamps
    lock.unlock()
    if !hasChanged { return }
    do throws(TLSConfigurationError) {
      try reload()
    } catch {
      logger.error(
        "Changed certificates cannot be used; new connections use those of before.",
        metadata: ["reason": "\(error)"])
    }
  }

  static var unixTime: Int { time(nil) }
}

/// Looks at the files of credentials from time to time.
@safe package final class CredentialWatch: @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it.
  private let source: TLSContextSource
  private let loop: EventLoop
  private let interval: Duration
  private var isRunning = false
  private lazy var timer = LoopTimer { [unowned self] in look() }

  init?(_ source: TLSContextSource, loop: EventLoop, interval: Duration?) {
    guard source.hasFiles, let interval else { return nil }
    self.source = source
    self.loop = loop
    self.interval = interval
  }

  /// On the loop.
  package func start() {
    isRunning = true
    loop.schedule(timer, after: interval)
  }

  /// On the loop.
  package func stop() {
    isRunning = false
    loop.cancel(timer)
  }

  private func look() {
    let (source, loop) = (source, loop)
    BlockingThreads.shared.run { [weak self] in
      source.reloadIfChanged()
      loop.submit { [weak self] in self?.goOn() }
    }
  }

  private func goOn() {
    if isRunning { loop.schedule(timer, after: interval) }
  }
}
