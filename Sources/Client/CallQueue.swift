internal import TernTransport

/// Calls that wait for a connection, or for room on it, in order of arrival.
final class CallQueue {
  private var calls: [ClientStream] = []
  private var head = 0
  /// Beside them, for whoever only asks: as an array that changes in place is checked for exclusive
  /// access with each use.
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  func append(_ call: ClientStream) {
    calls.append(call)
    count += 1
  }

  /// For those that have waited already.
  func putInFront(_ call: ClientStream) {
    if head > 0 {
      head -= 1
      calls[head] = call
    } else {
      calls.insert(call, at: 0)
    }
    count += 1
  }

  func popFirst() -> ClientStream? {
    if isEmpty { return nil }
    let call = calls[head]
    head += 1
    count -= 1
    return call
  }

  /// Puts back, in front, those that were taken and have to stay.
  func putBack(_ stay: [ClientStream]) {
    calls.replaceSubrange(..<head, with: stay)
    head = 0
    count += stay.count
  }
}
