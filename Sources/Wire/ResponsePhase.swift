/// How far a response has come, as a client sees it: which event is allowed when.
enum ResponsePhase: Equatable, CaseIterable {
  /// Nothing but interim responses so far.
  case awaitingHead
  /// A gRPC response: what follows are messages, then trailers.
  case messages
  /// Somebody answered who does not speak gRPC: what follows is text for people.
  case foreignBody
  case over

  /// What a block of fields begins, if it is the first.
  enum Head: Equatable, CaseIterable {
    case interim
    case gRPC
    case foreign
  }

  /// What fields lead to.
  enum FieldsStep: Equatable {
    case ignore
    case skipInterim
    case takeHead
    case takeForeignHead
    case endWithTrailersOnly
    case endWithTrailers
    case endWithForeignTrailers
    case fail(Breach)
  }

  /// What DATA leads to.
  enum DataStep: Equatable {
    case drop
    case deliver
    case collectText
    case fail(Breach)
  }

  /// What an end without trailers leads to.
  enum EndStep: Equatable {
    case ignore
    case endOfForeignBody
    case fail(Breach)
  }

  /// How a peer can break the protocol.
  enum Breach: Equatable {
    case endInInterimHead, secondHead, dataBeforeHead, endBeforeHead, endWithoutTrailers
  }

  // No `default` in any of these: a new phase must be decided here, by hand.

  // Spec: W54 (PROTOCOL-HTTP2, Response)
  // Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
  // Spec: W63 (PROTOCOL-HTTP2, Response: what comes when)
  mutating func receiveFields(_ head: Head, endOfStream: Bool) -> FieldsStep {
    switch (self, head, endOfStream) {
    case (.awaitingHead, .interim, false):
      return .skipInterim
    case (.awaitingHead, .interim, true):
      self = .over
      return .fail(.endInInterimHead)
    case (.awaitingHead, .gRPC, false):
      self = .messages
      return .takeHead
    case (.awaitingHead, .foreign, false):
      self = .foreignBody
      return .takeForeignHead
    case (.awaitingHead, .gRPC, true), (.awaitingHead, .foreign, true):
      self = .over
      return .endWithTrailersOnly
    case (.messages, _, true):
      self = .over
      return .endWithTrailers
    case (.foreignBody, _, true):
      self = .over
      return .endWithForeignTrailers
    case (.messages, _, false), (.foreignBody, _, false):
      self = .over
      return .fail(.secondHead)
    case (.over, _, _):
      return .ignore
    }
  }

  mutating func receiveData() -> DataStep {
    switch self {
    case .awaitingHead:
      self = .over
      return .fail(.dataBeforeHead)
    case .messages: return .deliver
    case .foreignBody: return .collectText
    case .over: return .drop
    }
  }

  // Spec: W62 (PROTOCOL-HTTP2, Response: trailers are mandatory)
  /// END_STREAM that did not come with fields.
  mutating func receiveEndOfStream() -> EndStep {
    defer { self = .over }
    switch self {
    case .awaitingHead: return .fail(.endBeforeHead)
    case .messages: return .fail(.endWithoutTrailers)
    case .foreignBody: return .endOfForeignBody
    case .over: return .ignore
    }
  }
}
