internal import Synchronization
internal import TernCore

/// How a call ended, as one number that all threads may read.
struct CallEnding: AtomicRepresentable, Equatable {
  typealias AtomicRepresentation = UInt8.AtomicRepresentation

  private let number: UInt8
  private init(_ number: UInt8) { self.number = number }

  /// It goes on.
  static let none = CallEnding(0)
  /// There is an answer: nothing more is sent or read.
  static let answered = CallEnding(1)
  /// It failed, on a client.
  static let failed = CallEnding(2)

  private static let firstReason: UInt8 = 3

  /// Nobody waits for a handler's answer any more.
  static func cancelled(_ reason: CancellationReason) -> CallEnding {
    CallEnding(firstReason + reason.number)
  }

  var reason: CancellationReason? {
    number < Self.firstReason ? nil : CancellationReason(number: number - Self.firstReason)
  }

  /// Whether nobody waits for the outcome any more.
  var isGivenUp: Bool { number >= Self.failed.number }

  static func encodeAtomicRepresentation(_ value: consuming CallEnding) -> AtomicRepresentation {
    UInt8.encodeAtomicRepresentation(value.number)
  }

  static func decodeAtomicRepresentation(
    _ representation: consuming AtomicRepresentation
  ) -> CallEnding {
    CallEnding(UInt8.decodeAtomicRepresentation(representation))
  }
}
