internal import TernCore
internal import TernTransport

/// Decides for one call where it goes. Never blocks.
///
/// The control plane (resolving, connecting, backing off) meets the calls here and nowhere else:
/// whenever it knows something new, it hands in a new picker. A class: to copy an existential that may
/// hold anything costs a call 300 instructions.
protocol Picker: AnyObject {
  func pick(_ call: ClientStream) -> PickResult
}

enum PickResult {
  /// Send it here.
  case use(Subchannel)
  /// Wait for the next picker.
  case wait
  /// Fail it with this status, unless it asked to wait.
  case fail(Status)
  /// Fail it with this status, whatever it asked for.
  case drop(Status)
}

/// Everything goes to one subchannel.
final class SingleSubchannelPicker: Picker {
  private let subchannel: Subchannel

  init(subchannel: Subchannel) { self.subchannel = subchannel }

  // Spec: W96 (fail only in TRANSIENT_FAILURE, queue in IDLE and CONNECTING)
  func pick(_ call: ClientStream) -> PickResult {
    switch subchannel.state {
    case .ready: .use(subchannel)
    case .idle, .connecting: .wait
    case .transientFailure(let status): .fail(status)
    case .shutdown(let status): .drop(status)
    }
  }
}
