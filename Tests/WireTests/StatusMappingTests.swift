import TernCore
import TernWire
import Testing

@Suite("Status mapping")
struct StatusMappingTests {
  // Spec: W68 (http-grpc-status-mapping)
  @Test("HTTP statuses map as the document says, and all others to UNKNOWN")
  func httpStatuses() {
    let mapped: [Int: StatusCode] = [
      400: .internal, 401: .unauthenticated, 403: .permissionDenied, 404: .unimplemented,
      429: .unavailable, 502: .unavailable, 503: .unavailable, 504: .unavailable,
    ]
    for httpStatus in -1...1_000 {
      #expect(StatusMapping.code(forHTTPStatus: httpStatus) == mapped[httpStatus] ?? .unknown)
    }
  }

  // Spec: W69 (PROTOCOL-HTTP2, Errors)
  // Spec: W70 (PROTOCOL-HTTP2, Errors: REFUSED_STREAM, CANCEL)
  // Spec: W71 (PROTOCOL-HTTP2, Errors: ENHANCE_YOUR_CALM and others)
  // swift-format-ignore
  static let resetCodes: [(code: UInt32, status: StatusCode, statusPastDeadline: StatusCode, name: String)] = [
    (0,  .internal,          .internal,          "NO_ERROR"),
    (1,  .internal,          .internal,          "PROTOCOL_ERROR"),
    (2,  .internal,          .internal,          "INTERNAL_ERROR"),
    (3,  .internal,          .internal,          "FLOW_CONTROL_ERROR"),
    (4,  .internal,          .internal,          "SETTINGS_TIMEOUT"),
    (5,  .internal,          .internal,          "STREAM_CLOSED"),
    (6,  .internal,          .internal,          "FRAME_SIZE_ERROR"),
    (7,  .unavailable,       .unavailable,       "REFUSED_STREAM"),
    (8,  .cancelled,         .deadlineExceeded,  "CANCEL"),
    (9,  .internal,          .internal,          "COMPRESSION_ERROR"),
    (10, .internal,          .internal,          "CONNECT_ERROR"),
    (11, .resourceExhausted, .resourceExhausted, "ENHANCE_YOUR_CALM"),
    (12, .permissionDenied,  .permissionDenied,  "INADEQUATE_SECURITY"),
    (13, .internal,          .internal,          "HTTP_1_1_REQUIRED"),
    (14, .unknown,           .unknown,           "14"),
    (.max, .unknown,         .unknown,           "4294967295"),
  ]

  @Test("Reset codes map as the document says, and are named")
  func resets() {
    for row in Self.resetCodes {
      let status = StatusMapping.status(forResetCode: row.code, isDeadlinePast: false)
      let late = StatusMapping.status(forResetCode: row.code, isDeadlinePast: true)

      #expect(status.code == row.status)
      #expect(late.code == row.statusPastDeadline)
      #expect(status.message.contains(row.name))
      #expect(StatusMapping.errorName(row.code).contains(row.name))
    }
  }

  @Test("A call that a leaving server has not taken is UNAVAILABLE, with the server's reason")
  func goAway() {
    let status = StatusMapping.status(forGoAwayCode: 11, debugText: "too_many_pings")

    #expect(status.code == .unavailable)
    #expect(status.message.contains("ENHANCE_YOUR_CALM: too_many_pings"))
    #expect(StatusMapping.status(forGoAwayCode: 0).message.contains("(HTTP/2 error 0, NO_ERROR)"))
  }
}

@Suite("Cardinality")
struct CardinalityTests {
  // Spec: W42 (statuscodes: cardinality violations)
  @Test("Too few and too many messages are UNIMPLEMENTED")
  func cardinality() {
    let statuses = [
      Cardinality.noRequest, Cardinality.secondRequest, Cardinality.noResponse,
      Cardinality.secondResponse,
    ]

    #expect(statuses.allSatisfy { $0.code == .unimplemented })
    #expect(Set(statuses.map(\.message)).count == 4)
  }

  // Spec: W40 (statuscodes: end of stream inside a message)
  @Test("A message that was cut off is INTERNAL")
  func cutOff() {
    #expect(Cardinality.cutOffRequest.code == .internal)
    #expect(Cardinality.cutOffResponse.code == .internal)
  }
}
