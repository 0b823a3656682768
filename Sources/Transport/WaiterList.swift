internal import TernEventLoop

/// Tasks that wait for the same thing. Mostly it is one, which costs no memory of its own.
struct WaiterList {
  private var first: Waiter?
  private var others: [Waiter] = []

  init() {}

  init(_ first: Waiter) { self.first = first }

  /// Not `mutating`: one change in place would make each use of a stream's list pay for a check for
  /// exclusive access.
  func adding(_ waiter: Waiter) -> WaiterList {
    var list = self
    list.others.append(waiter)
    return list
  }

  /// Resumes what was taken out of a stream, which may be asked to wait again meanwhile.
  consuming func resume() {
    unsafe first?.resume()
    for waiter in others { unsafe waiter.resume() }
  }
}
