import TernCore
import TernWire
import Testing

@Suite("Responses that are not gRPC's")
struct ForeignResponseTests {
  static let html: Fields = [":status": "503", "content-type": "text/html", "server": "proxy"]

  // Spec: W64 (http-grpc-status-mapping: content-type is not gRPC's)
  @Test("The message has the HTTP status, the content-type and the text, wherever it is split")
  func split() {
    let text = "<h1>No backend – sorry</h1>"
    let bytes = Array(text.utf8)
    for boundary in 0...bytes.count {
      let state = ResponseState()

      #expect(state.receive(Self.html, endOfStream: false) == .nothing)
      for part in [bytes[..<boundary], bytes[boundary...]] {
        #expect(unsafe withBytes(of: part) { unsafe state.receiveData($0) } == .drop)
      }
      #expect(state.receiveEndOfStream(unreadMessageBytes: 0) == .over)

      #expect(state.status?.code == .unavailable)
      #expect(state.origin == .peer)
      for expected in ["503", "'text/html'", text] {
        #expect(state.status?.message.contains(expected) == true)
      }
    }
  }

  @Test("A long body is read for 1,000 characters, and then stopped")
  func longBody() throws {
    let state = ResponseState()
    _ = state.receive(Self.html, endOfStream: false)

    var actions: [ResponseState.Action] = []
    while state.status == nil {
      actions.append(state.receiveData(String(repeating: "a", count: 900)))
    }

    #expect(actions == [.drop, .drop, .drop, .drop, .reset(code: 8)])
    #expect(state.receiveData("more") == .drop)
    let message = try #require(state.status?.message)
    #expect(message.hasSuffix(": " + String(repeating: "a", count: 1_000)))
    #expect(state.status?.code == .unavailable)
  }

  // Spec: W68 (http-grpc-status-mapping)
  @Test("200 without gRPC's content-type is UNKNOWN, with or without a body")
  func ok() {
    let body = ResponseState()
    _ = body.receive([":status": "200"], endOfStream: false)
    #expect(body.receiveEndOfStream(unreadMessageBytes: 0) == .over)
    let bare = ResponseState()
    #expect(bare.receive([":status": "200"], endOfStream: true) == .over)

    for state in [body, bare] {
      #expect(state.status?.code == .unknown)
      #expect(state.status?.message.contains("no content-type") == true)
    }
  }

  // Spec: W59 (PROTOCOL-HTTP2: grpc-status wins over the HTTP status)
  @Test("A grpc-status wins over the HTTP status, in trailers-only and in trailers")
  func grpcStatusWins() {
    let only = ResponseState()
    _ = only.receive(
      [":status": "404", "content-type": "application/grpc", "grpc-status": "7"],
      endOfStream: true)
    #expect(only.status == Status(.permissionDenied))

    let fine = ResponseState()
    _ = fine.receive(
      [":status": "500", "content-type": "application/grpc", "grpc-status": "0"],
      endOfStream: true)
    #expect(fine.status == .ok)

    let trailers = ResponseState()
    _ = trailers.receive(Self.html, endOfStream: false)
    _ = trailers.receiveData("text")
    #expect(trailers.receive(["grpc-status": "7"], endOfStream: true) == .over)
    #expect(trailers.status == Status(.permissionDenied))
  }

  // Spec: W59 (http-grpc-status-mapping: only without grpc-status)
  @Test("Without grpc-status, the HTTP status of gRPC's own content-type counts")
  func mapped() {
    let only = ResponseState()
    _ = only.receive([":status": "401", "content-type": "application/grpc"], endOfStream: true)
    #expect(only.status?.code == .unauthenticated)

    let body = ResponseState()
    _ = body.receive([":status": "429", "content-type": "application/grpc"], endOfStream: false)
    #expect(body.receive(["a": "b"], endOfStream: true) == .over)
    #expect(body.status?.code == .unavailable)
    #expect(body.status?.message.contains("gRPC's content-type") == true)
  }

  // Spec: W61 (statuscodes: no status in the trailers)
  @Test("Trailers-only without grpc-status is UNKNOWN")
  func noStatus() {
    let state = ResponseState()

    #expect(state.receive(ResponseStateTests.head, endOfStream: true) == .over)

    #expect(state.status?.code == .unknown)
    #expect(state.status?.message.contains("without a grpc-status") == true)
  }

  @Test("An OK is not believed of a server that does not speak gRPC")
  func unbelievedOK() {
    let body = ResponseState()
    _ = body.receive(Self.html, endOfStream: false)
    _ = body.receiveData("text")
    _ = body.receive(["grpc-status": "0"], endOfStream: true)
    let only = ResponseState()
    _ = only.receive([":status": "200", "grpc-status": "0"], endOfStream: true)

    #expect(body.status?.code == .unavailable)
    #expect(only.status?.code == .unknown)
  }

  @Test("A reset while the text comes in does not hide what is known, but a deadline does")
  func reset() {
    for (isDeadlinePast, code) in [(false, StatusCode.unavailable), (true, .deadlineExceeded)] {
      let state = ResponseState()
      _ = state.receive(Self.html, endOfStream: false)
      _ = state.receiveData("text")

      state.receiveReset(code: 8, isDeadlinePast: isDeadlinePast)

      #expect(state.status?.code == code)
    }
  }

  @Test(
    "A status that is no number is no gRPC response", arguments: ["", "abc", "20", "9999999999"])
  func oddHTTPStatus(text: String) {
    let state = ResponseState()

    _ = state.receive([":status": text, "content-type": "application/grpc"], endOfStream: true)

    #expect(state.status?.code == .unknown)
  }
}
