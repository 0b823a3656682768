import Testing

import Tern
import TestSupport

/// A row of a table "bytes in, expected answer out" for HTTP/2's rules.
struct Edge: Sendable, CustomTestStringConvertible {
  /// What a server makes of it.
  enum Outcome: Sendable, Equatable {
    /// The connection ends with a GOAWAY that says why.
    case goAway(ErrorCode)
    /// The connection ends without.
    case closed
    /// Stream 1 is reset, and the connection lives on.
    case reset(ErrorCode)
    /// Stream 1 is answered as if nothing was odd.
    case answered
    /// Stream 1 gets a status that is not OK.
    case refused
    /// Nothing comes of it, and the connection lives on.
    case ignored
  }

  /// The section of RFC 9113, or of RFC 7541 where it says so, and what the client does.
  let name: String
  let steps: [Step]
  let outcome: Outcome

  init(_ name: String, _ steps: [Step], _ outcome: Outcome) {
    self.name = name
    self.steps = steps
    self.outcome = outcome
  }

  var testDescription: String { name }
}

extension Edge {
  static let unary: [HeaderField] = .request("/tern.test.Echo/Unary")
  /// A call whose client may go on sending.
  static let open: [Step] = [.headers(.request("/tern.test.Echo/Bidi"))]
  /// A call whose client has sent all, and whose answer does not come.
  static let halfClosed: [Step] = [
    .headers(.request("/tern.test.Echo/Hang")), .message([UInt8]("edge"), endStream: true),
  ]
  static let call: [Step] = [.headers(unary), .message([1], endStream: true)]
  static let closed: [Step] = call + [.end(of: 1)]
  static let reset: [Step] = open + [.reset(.cancel)]

  /// The header block of a call, as it is or with something wrong in it.
  static func block(
    _ bytes: [UInt8], flags: Frame.Flags = [.endHeaders], on id: Frame.StreamID = 1
  ) -> [Step] {
    [.send(Frame(.headers, flags: flags, on: id, bytes))]
  }

  /// A whole call whose head is `fields`.
  static func head(_ fields: [HeaderField]) -> [Step] {
    [.headers(fields), .message([1], endStream: true)]
  }

  /// Plays it, and then another call on the same connection.
  func run(on port: Int) async throws {
    let lastID: Frame.StreamID = 101
    let afterwards = Step("another call") { peer in
      try peer.send(.headers(Self.unary, on: lastID))
      try peer.send(.message([7], on: lastID, endStream: true))
    }
    let outcomeIsKnown = Step("outcome") { peer in
      try peer.wait(for: "an answer, or the end") { $0.end != nil || $0[lastID].isOver }
    }
    let seen = try await play(
      to: port,
      [.preface, .otherSettings] + (steps + [afterwards]).map(\.unlessClosed) + [outcomeIsKnown])

    #expect(Self.outcome(of: seen, lastID) == outcome, report(seen))
  }

  private static func outcome(of seen: Conversation, _ lastID: Frame.StreamID) -> Outcome {
    if let code = seen.goAways.last?.code { return .goAway(code) }
    if seen.end != nil { return .closed }
    guard seen[lastID].messages == [[7]], seen[lastID].grpcStatus == 0 else { return .closed }
    if let code = seen[1].resetCode, code != .noError { return .reset(code) }
    guard let status = seen[1].grpcStatus else { return .ignored }
    return status == 0 ? .answered : .refused
  }
}
