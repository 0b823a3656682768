/// A call, as the shells that users' modules specialise see it: what they may touch, and no more.
public struct _ServerCall: Sendable {
  package let stream: ServerStream

  /// - Parameter task: What the body of a method gets: its stream.
  @usableFromInline package init(_ task: AnyObject) {
    stream = unsafe unsafeDowncast(task, to: ServerStream.self)
  }

  package init(_ stream: ServerStream) { self.stream = stream }

  /// The one request message. Valid until `didTakeRequest`.
  @unsafe @usableFromInline package var request: UnsafeRawBufferPointer {
    get throws { try unsafe stream.request() }
  }

  /// The request was decoded: its memory and its credit can go back.
  @usableFromInline package func didTakeRequest() { stream.didTakeRequest() }

  /// The user's function has returned, on another thread than the loop's.
  @usableFromInline package func handlerDidReturn() { stream.handlerDidReturn() }

  /// Whether interceptors want to see the messages.
  @usableFromInline package var isObserved: Bool { stream.isObserved }

  /// Shows the one request, which is still in its memory, to those who want to see it.
  @usableFromInline package func showRequest(_ message: Any) throws {
    try stream.showInbound(message, byteCount: unsafe stream.request().count)
  }

  /// Where the user's function runs, if not on the loop.
  @usableFromInline package var otherExecutor: (any TaskExecutor)? {
    stream.handler?.otherExecutor
  }
}
