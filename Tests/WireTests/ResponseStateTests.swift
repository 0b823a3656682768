import TernCore
import TernWire
import Testing

@Suite("Response state")
struct ResponseStateTests {
  static let head: Fields = [":status": "200", "content-type": "application/grpc+proto"]
  static let trailersOK: Fields = ["grpc-status": "0"]

  // Spec: W54 (PROTOCOL-HTTP2, Response)
  @Test("A plain response: head, messages, trailers")
  func plain() {
    let state = ResponseState()

    #expect(state.receive(Self.head, endOfStream: false) == .head)
    #expect(state.receiveData("\0\0\0\0\0") == .deliver)
    #expect(state.receiveData("") == .deliver)
    #expect(state.status == nil)
    #expect(state.receive(Self.trailersOK, endOfStream: true) == .over)

    #expect(state.status == .ok)
    #expect(state.origin == .peer)
    #expect(state.encoding == nil)
    #expect(state.initialMetadata.isEmpty)
    #expect(state.trailingMetadata.isEmpty)
  }

  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  // Spec: W24 (PROTOCOL-HTTP2, Binary-Header: split on commas first)
  @Test("Both kinds of metadata are there, without the protocol's names")
  func metadata() {
    let state = ResponseState()

    _ = state.receive(
      [
        ":status": "200", "content-type": "application/grpc", "grpc-encoding": "gzip",
        "grpc-accept-encoding": "gzip", "a": "1", "x-bin": "AQ,Ag==", "a": "2",
      ], endOfStream: false)
    _ = state.receive(
      ["grpc-status": "0", "b": "3", "grpc-retry-pushback-ms": "5"], endOfStream: true)

    #expect(state.initialMetadata["a"] == ["1", "2"])
    #expect(state.initialMetadata[bytes: "x-bin"] == [[1], [2]])
    #expect(state.initialMetadata.count == 4)
    #expect(state.trailingMetadata == ["b": "3"])
    #expect(state.encoding == "gzip")
  }

  // Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
  // Spec: W57 (PROTOCOL-HTTP2, Status-Message)
  // Spec: W58 (PROTOCOL-HTTP2, Status-Details)
  @Test("Trailers-only: one block has it all, and its metadata counts as trailing")
  func trailersOnly() {
    let state = ResponseState()

    let action = state.receive(
      [
        ":status": "200", "content-type": "application/grpc", "grpc-status": "5",
        "grpc-message": "no %C3%BC %zz", "grpc-status-details-bin": "AQI", "a": "1",
      ], endOfStream: true)

    #expect(action == .over)
    #expect(state.status == Status(.notFound, "no ü %zz", detailsBytes: [1, 2]))
    #expect(state.initialMetadata.isEmpty)
    #expect(state.trailingMetadata == ["a": "1"])
  }

  // Spec: W63 (PROTOCOL-HTTP2, Response: 1xx are skipped)
  @Test("Interim responses leave nothing behind")
  func interim() {
    let state = ResponseState()

    for _ in 0..<3 {
      let interim: Fields = [
        ":status": "103", "content-type": "text/html", "a": "1", "grpc-status": "3",
        "grpc-encoding": "gzip", "broken-bin": "!",
      ]
      #expect(state.receive(interim, endOfStream: false) == .nothing)
    }
    #expect(state.receive(Self.head, endOfStream: false) == .head)
    #expect(state.receive(Self.trailersOK, endOfStream: true) == .over)

    #expect(state.status == .ok)
    #expect(state.initialMetadata.isEmpty)
    #expect(state.encoding == nil)
  }

  // Spec: W60 (PROTOCOL-HTTP2: with a body, grpc-status counts in the trailers only)
  // Spec: W61 (statuscodes: no status in the trailers)
  @Test("A grpc-status in the head of a response with a body is ignored")
  func statusInHead() {
    let head: Fields = [
      ":status": "200", "content-type": "application/grpc", "grpc-status": "0",
      "grpc-message": "early",
    ]
    let with = ResponseState()
    #expect(with.receive(head, endOfStream: false) == .head)
    #expect(with.receive(["grpc-status": "9"], endOfStream: true) == .over)
    #expect(with.status == Status(.failedPrecondition))

    let without = ResponseState()
    #expect(without.receive(head, endOfStream: false) == .head)
    #expect(without.receive(["a": "b"], endOfStream: true) == .over)
    #expect(without.status?.code == .unknown)
  }

  // Spec: W56 (PROTOCOL-HTTP2, Status)
  @Test("Every number from 0 to 16 is its code", arguments: StatusCode.allCases)
  func knownStatus(code: StatusCode) {
    #expect(statusOfTrailers(["grpc-status": "\(code.rawValue)"])?.code == code)
  }

  @Test(
    "Any other grpc-status is UNKNOWN, and its text is kept",
    arguments: ["17", "99", "4294967296", "-1", "", "x", " 0", "0x0", "+1", "١"])
  func unknownStatus(text: String) {
    let status = statusOfTrailers(["grpc-status": text, "grpc-message": "why"])

    #expect(status?.code == .unknown)
    #expect(status?.message.contains("'\(text)'") == true)
    #expect(status?.message.hasSuffix(": why") == true)
  }

  // Spec: W58 (PROTOCOL-HTTP2, Status-Details)
  @Test("Details that are not base64 do not hide the status")
  func brokenDetails() {
    #expect(
      statusOfTrailers([
        "grpc-status": "5", "grpc-message": "m", "grpc-status-details-bin": "!",
      ]) == Status(.notFound, "m"))
  }

  // Spec: W58 (PROTOCOL-HTTP2, Status-Details: the trailers' own code wins)
  @Test("Where details say another code, the one of the trailers counts, and they stay")
  func otherDetails() {
    // google.rpc.Status with the code 5, NOT_FOUND.
    let trailers: Fields = ["grpc-status": "9", "grpc-status-details-bin": "CAU"]

    #expect(statusOfTrailers(trailers) == Status(.failedPrecondition, "", detailsBytes: [8, 5]))
  }

  @Test("An OK has no message, whatever the server says")
  func messageOfOK() {
    #expect(statusOfTrailers(["grpc-status": "0", "grpc-message": "fine"]) == .ok)
  }

  // Spec: W25 (PROTOCOL-HTTP2, Binary-Header: what is not base64)
  @Test("Metadata that is not base64 fails the call, in the head and in the trailers")
  func brokenMetadata() {
    let head = ResponseState()
    head.receive("x-bin", "!")
    #expect(head.receive(Self.head, endOfStream: false) == .reset(code: 1))
    #expect(head.status?.code == .internal)
    #expect(head.status?.message.contains("'x-bin'") == true)

    #expect(statusOfTrailers(["x-bin": "!", "grpc-status": "0"])?.code == .internal)
  }

  private func statusOfTrailers(_ fields: Fields) -> Status? {
    let state = ResponseState()
    #expect(state.receive(Self.head, endOfStream: false) == .head)
    #expect(state.receive(fields, endOfStream: true) == .over)
    return state.status
  }
}

@Suite("Response state: broken and early ends")
struct ResponseStateEndTests {
  // Spec: W63 (PROTOCOL-HTTP2, Response: what comes when)
  @Test("What comes at the wrong time is INTERNAL and resets the stream")
  func breaches() {
    let dataFirst = ResponseState()
    #expect(dataFirst.receiveData("x") == .reset(code: 1))
    #expect(dataFirst.status?.code == .internal)

    let headTwice = ResponseState()
    #expect(headTwice.receive(ResponseStateTests.head, endOfStream: false) == .head)
    #expect(headTwice.receive(["a": "b"], endOfStream: false) == .reset(code: 1))
    #expect(headTwice.status?.code == .internal)

    let interimEnd = ResponseState()
    #expect(interimEnd.receive([":status": "100"], endOfStream: true) == .over)
    #expect(interimEnd.status?.code == .internal)
    #expect(interimEnd.origin == .peer)
  }

  // Spec: W40 (statuscodes: end of stream inside a message)
  // Spec: W62 (PROTOCOL-HTTP2, Response: trailers are mandatory)
  @Test("An end without trailers is INTERNAL")
  func endWithoutTrailers() {
    let clean = ResponseState()
    _ = clean.receive(ResponseStateTests.head, endOfStream: false)
    #expect(clean.receiveEndOfStream(unreadMessageBytes: 0) == .over)
    #expect(clean.status?.code == .internal)
    #expect(clean.status?.message.contains("without trailers") == true)

    let cutOff = ResponseState()
    _ = cutOff.receive(ResponseStateTests.head, endOfStream: false)
    #expect(cutOff.receiveEndOfStream(unreadMessageBytes: 3) == .over)
    #expect(cutOff.status == Cardinality.cutOffResponse)

    let nothing = ResponseState()
    #expect(nothing.receiveEndOfStream(unreadMessageBytes: 0) == .over)
    #expect(nothing.status?.code == .internal)
  }

  @Test("An OK is not believed when the last message is cut off; another status is")
  func cutOffBeforeTrailers() {
    for (text, status) in [("0", Cardinality.cutOffResponse), ("5", Status(.notFound))] {
      let state = ResponseState()
      _ = state.receive(ResponseStateTests.head, endOfStream: false)
      _ = state.receive(["grpc-status": text], endOfStream: true)
      #expect(state.receiveEndOfStream(unreadMessageBytes: 4) == .nothing)
      #expect(state.status == status)
    }
  }

  // Spec: W65 (PROTOCOL-HTTP2: RST_STREAM after trailers)
  @Test("What comes after the status changes nothing")
  func afterTheEnd() {
    let state = ResponseState()
    _ = state.receive(ResponseStateTests.head, endOfStream: false)
    _ = state.receive(ResponseStateTests.trailersOK, endOfStream: true)

    state.receiveReset(code: 0, isDeadlinePast: true)
    state.end(Status(.unavailable), origin: .library)
    #expect(state.receiveData("x") == .drop)
    #expect(state.receive(["grpc-status": "3", "a": "b"], endOfStream: true) == .nothing)
    #expect(state.receiveEndOfStream(unreadMessageBytes: 0) == .nothing)

    #expect(state.status == .ok)
    #expect(state.origin == .peer)
    #expect(state.trailingMetadata.isEmpty)
  }

  // Spec: W69 (PROTOCOL-HTTP2, Errors)
  // Spec: W70 (PROTOCOL-HTTP2, Errors: REFUSED_STREAM, CANCEL)
  @Test("A reset before the status is the status")
  func reset() {
    for isHeadHere in [false, true] {
      let state = ResponseState()
      if isHeadHere { _ = state.receive(ResponseStateTests.head, endOfStream: false) }
      state.receiveReset(code: 8, isDeadlinePast: false)
      #expect(state.status == StatusMapping.status(forResetCode: 8, isDeadlinePast: false))
      #expect(state.receiveData("x") == .drop)
    }
  }

  @Test("Whoever ends the call first is remembered")
  func end() {
    let state = ResponseState()

    state.end(Status(.deadlineExceeded, "late"), origin: .library)
    state.receiveReset(code: 2, isDeadlinePast: false)
    state.end(Status(.cancelled), origin: .caller)

    #expect(state.status == Status(.deadlineExceeded, "late"))
    #expect(state.origin == .library)
  }

  @Test("A response cut off after any event has a status, and leaves nothing behind")
  func cutAnywhere() {
    let events: [(ResponseState) -> Void] = [
      { _ = $0.receive([":status": "100", "i": "1"], endOfStream: false) },
      { $0.receive(":status", "200") },
      { $0.receive("content-type", "application/grpc") },
      { $0.receive("a", "1") },
      { _ = $0.receiveFieldsEnd(endOfStream: false) },
      { _ = $0.receiveData("\0\0") },
      { _ = $0.receiveData("\0\0\0") },
      { $0.receive("grpc-message", "m") },
      { $0.receive("b", "2") },
      { $0.receive("grpc-status", "5") },
      { _ = $0.receiveFieldsEnd(endOfStream: true) },
    ]
    let state = ResponseState()
    for count in 0...events.count {
      for isReset in [false, true] {
        for event in events.prefix(count) { event(state) }
        if isReset {
          state.receiveReset(code: 2, isDeadlinePast: false)
        } else {
          _ = state.receiveEndOfStream(unreadMessageBytes: 0)
        }
        #expect(state.status?.code == (count == events.count ? .notFound : .internal))
        state.removeAll()

        #expect(state.status == nil)
        for event in events { event(state) }
        #expect(state.status == Status(.notFound, "m"))
        #expect(state.initialMetadata == ["a": "1"])
        #expect(state.trailingMetadata == ["b": "2"])
        state.removeAll()
      }
    }
  }
}
