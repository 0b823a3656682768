/// A task that waits to be resumed, once.
///
/// The continuation itself is a type of a resilient library: to copy one, or an optional one, costs a
/// hundred instructions, through its metadata. What is in it is one pointer.
@safe package struct Waiter: @unchecked Sendable {
  // `@unchecked Sendable` because the continuation that it holds is `Sendable`.
  private let context: UnsafeRawPointer

  @unsafe package init(_ continuation: UnsafeContinuation<Void, Never>) {
    // Traps, in each build, should the two ever differ in size.
    unsafe context = unsafeBitCast(continuation, to: UnsafeRawPointer.self)
  }

  @unsafe package func resume() {
    unsafe unsafeBitCast(context, to: UnsafeContinuation<Void, Never>.self).resume()
  }
}
