/// A call, as the shells that users' modules specialise see it: what they may touch, and no more.
public struct _ServerCall: Sendable {
  package let stream: ServerStream

  package init(_ stream: ServerStream) { self.stream = stream }

  /// The one request message. Valid until `didTakeRequest`.
  @unsafe @usableFromInline package var request: UnsafeRawBufferPointer {
    unsafe stream.request
  }

  /// The request was decoded: its memory and its credit can go back.
  @usableFromInline package func didTakeRequest() { stream.didTakeRequest() }
}
