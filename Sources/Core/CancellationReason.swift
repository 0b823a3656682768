/// Why nobody waits for the answer of a call any more, as its handler can ask.
///
/// Not an enum: a reason added later must not break a `switch` in somebody else's program.
public struct CancellationReason: Hashable, Sendable {
  private enum Wrapped: UInt8 { case peer, deadline, connectionLost, serverStopping, refused }
  private let wrapped: Wrapped

  private init(_ wrapped: Wrapped) { self.wrapped = wrapped }

  /// The client gave the call up.
  public static let peer = CancellationReason(.peer)
  /// The deadline of the call has passed.
  public static let deadline = CancellationReason(.deadline)
  /// The connection to the client is lost.
  public static let connectionLost = CancellationReason(.connectionLost)
  /// The server was told to end, and does not wait for its calls any longer.
  public static let serverStopping = CancellationReason(.serverStopping)
  /// This library has ended the call with an error: what the handler wanted to send, such as too
  /// much metadata, cannot be sent.
  public static let refused = CancellationReason(.refused)

  /// For an atomic that holds it among other numbers.
  package var number: UInt8 { wrapped.rawValue }

  package init?(number: UInt8) {
    guard let wrapped = Wrapped(rawValue: number) else { return nil }
    self.wrapped = wrapped
  }
}

extension CancellationReason: CustomStringConvertible {
  public var description: String {
    switch wrapped {
    case .peer: "the client gave the call up"
    case .deadline: "the deadline of the call has passed"
    case .connectionLost: "the connection to the client is lost"
    case .serverStopping: "the server stops"
    case .refused: "the response cannot be sent"
    }
  }
}
