internal import CLinux
internal import Glibc

/// Calls a function on a loop when the process gets one of some signals.
///
/// While it is active, these signals do nothing else; what was set up for them before comes back
/// when it ends.
package final class SignalWatch: EventSource, @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it, once it was started.
  package let registration = SourceRegistration()
  private let descriptor: Descriptor
  private let loop: EventLoop
  private let signals: [CInt]
  private let onSignal: @Sendable () -> Void
  private var handled: [CInt] = []

  package static let terminating: [CInt] = [SIGTERM, SIGINT]

  package init(
    _ signals: [CInt] = terminating, loop: EventLoop, onSignal: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    self.signals = signals
    self.loop = loop
    self.onSignal = onSignal
    descriptor = Descriptor(
      owning: try retryingInterrupts("eventfd") {
        eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
      })
  }

  deinit { restoreSignals() }

  /// Whether it has all of its signals, or some: another watch may have been first.
  var isWatching: Bool { !handled.isEmpty }

  /// On the loop.
  package func start() throws(SystemError) {
    try loop.add(self, descriptor: descriptor.raw, interest: .readable)
    for signal in signals {
      let code = tern_handle_signal(signal, descriptor.raw)
      // Another server in this process watches it already: that one ends the process.
      if code == EBUSY { continue }
      guard code == 0 else {
        stop()
        throw SystemError(call: "sigaction", code: code)
      }
      handled.append(signal)
    }
  }

  /// On the loop.
  package func stop() {
    restoreSignals()
    loop.remove(self, descriptor: descriptor.raw)
  }

  private func restoreSignals() {
    for signal in handled { _ = tern_restore_signal(signal) }
    handled = []
  }

  package func receiveReadiness(_ readiness: Readiness) {
    var count: UInt64 = 0
    if unsafe eventfd_read(descriptor.raw, &count) == 0 { onSignal() }
  }
}
