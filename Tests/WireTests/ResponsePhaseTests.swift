import Testing

@testable import TernWire

// Spec: W54 (PROTOCOL-HTTP2, Response)
// Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
// Spec: W62 (PROTOCOL-HTTP2, Response: trailers are mandatory)
// Spec: W63 (PROTOCOL-HTTP2, Response: what comes when)
@Suite("Response phase")
struct ResponsePhaseTests {
  typealias Phase = ResponsePhase

  /// All 24 cases. To change what a phase does is to change a line here.
  // swift-format-ignore
  static let onFields: [(phase: Phase, head: Phase.Head, end: Bool, step: Phase.FieldsStep, next: Phase)] = [
    // phase        head      end    step                         next
    (.awaitingHead, .interim, false, .skipInterim,                .awaitingHead),
    (.awaitingHead, .interim, true,  .fail(.endInInterimHead),    .over),
    (.awaitingHead, .gRPC,    false, .takeHead,                   .messages),
    (.awaitingHead, .gRPC,    true,  .endWithTrailersOnly,        .over),
    (.awaitingHead, .foreign, false, .takeForeignHead,            .foreignBody),
    (.awaitingHead, .foreign, true,  .endWithTrailersOnly,        .over),
    (.messages,     .interim, false, .fail(.secondHead),          .over),
    (.messages,     .interim, true,  .endWithTrailers,            .over),
    (.messages,     .gRPC,    false, .fail(.secondHead),          .over),
    (.messages,     .gRPC,    true,  .endWithTrailers,            .over),
    (.messages,     .foreign, false, .fail(.secondHead),          .over),
    (.messages,     .foreign, true,  .endWithTrailers,            .over),
    (.foreignBody,  .interim, false, .fail(.secondHead),          .over),
    (.foreignBody,  .interim, true,  .endWithForeignTrailers,     .over),
    (.foreignBody,  .gRPC,    false, .fail(.secondHead),          .over),
    (.foreignBody,  .gRPC,    true,  .endWithForeignTrailers,     .over),
    (.foreignBody,  .foreign, false, .fail(.secondHead),          .over),
    (.foreignBody,  .foreign, true,  .endWithForeignTrailers,     .over),
    (.over,         .interim, false, .ignore,                     .over),
    (.over,         .interim, true,  .ignore,                     .over),
    (.over,         .gRPC,    false, .ignore,                     .over),
    (.over,         .gRPC,    true,  .ignore,                     .over),
    (.over,         .foreign, false, .ignore,                     .over),
    (.over,         .foreign, true,  .ignore,                     .over),
  ]

  @Test("What fields lead to")
  func fields() {
    #expect(Self.onFields.count == Phase.allCases.count * Phase.Head.allCases.count * 2)
    for row in Self.onFields {
      var phase = row.phase
      #expect(phase.receiveFields(row.head, endOfStream: row.end) == row.step, "\(row)")
      #expect(phase == row.next, "\(row)")
    }
  }

  // swift-format-ignore
  static let onData: [(phase: Phase, step: Phase.DataStep, next: Phase)] = [
    (.awaitingHead, .fail(.dataBeforeHead), .over),
    (.messages,     .deliver,               .messages),
    (.foreignBody,  .collectText,           .foreignBody),
    (.over,         .drop,                  .over),
  ]

  @Test("What data leads to")
  func data() {
    #expect(Self.onData.map(\.phase) == Phase.allCases)
    for row in Self.onData {
      var phase = row.phase
      #expect(phase.receiveData() == row.step, "\(row)")
      #expect(phase == row.next, "\(row)")
    }
  }

  // swift-format-ignore
  static let onEnd: [(phase: Phase, step: Phase.EndStep)] = [
    (.awaitingHead, .fail(.endBeforeHead)),
    (.messages,     .fail(.endWithoutTrailers)),
    (.foreignBody,  .endOfForeignBody),
    (.over,         .ignore),
  ]

  @Test("What an end without trailers leads to")
  func end() {
    #expect(Self.onEnd.map(\.phase) == Phase.allCases)
    for row in Self.onEnd {
      var phase = row.phase
      #expect(phase.receiveEndOfStream() == row.step, "\(row)")
      #expect(phase == .over, "\(row)")
    }
  }
}
