/// Tasks that wait for the same thing. Mostly it is one, which costs no memory of its own.
@unsafe struct WaiterList {
  // The flag spares a look at the continuation, whose optional is generic and slow to read.
  private(set) var isEmpty = true
  private var first: UnsafeContinuation<Void, Never>?
  private var others: [UnsafeContinuation<Void, Never>] = unsafe []

  mutating func append(_ continuation: UnsafeContinuation<Void, Never>) {
    if unsafe isEmpty {
      unsafe isEmpty = false
      unsafe first = continuation
    } else {
      unsafe others.append(continuation)
    }
  }

  /// Resumes what was taken out of a stream, which may be asked to wait again meanwhile.
  consuming func resume() {
    unsafe first?.resume()
    unsafe others.forEach { unsafe $0.resume() }
  }
}
