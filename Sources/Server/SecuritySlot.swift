internal import Logging
internal import TernCore
internal import TernEventLoop
internal import TernTransport

/// The TLS of a server, from its start on.
@safe final class SecuritySlot: @unchecked Sendable {
  // `@unchecked Sendable` because `lock` guards `security`, and only the first loop touches `watch`.
  private let lock = Lock()
  private var security: ServerSecurity?
  private var watch: CredentialWatch?
  private var hasStopped = false

  /// `nil`: plaintext.
  var current: ServerSecurity? {
    lock.lock()
    defer { lock.unlock() }
    return security
  }

  /// Reads the files.
  func prepare(_ credentials: ServerCredentials, logger: Logger) throws(ServerError) {
    guard let tls = credentials.tls else { return }
    let made: ServerSecurity
    do throws(CredentialsError) {
      made = try ServerSecurity(tls, logger: logger)
    } catch {
      throw ServerError("TLS cannot be set up. \(error)", cause: error)
    }
    lock.lock()
    security = made
    lock.unlock()
  }

  func reload() throws(ServerError) {
    do throws(CredentialsError) {
      try current?.reload()
    } catch {
      throw ServerError("The credentials stay as they were. \(error)", cause: error)
    }
  }

  /// On the loop.
  func startWatching(on loop: EventLoop) {
    if hasStopped { return }
    watch = current?.watch(on: loop)
    watch?.start()
  }

  /// On the loop.
  func stopWatching() {
    hasStopped = true
    watch?.stop()
    watch = nil
  }
}
