import TernCore
import TernWire
import TestSupport
import Testing

@Suite("Request head")
struct RequestHeadTests {
  static let plain: Fields = [
    ":method": "POST", ":scheme": "http", ":path": "/greet.Greeter/SayHello",
    ":authority": "localhost:50051", "te": "trailers", "content-type": "application/grpc",
  ]
  static let full: Fields = [
    ":method": "POST", ":scheme": "https", ":path": "/s/m", ":authority": "a:1",
    "grpc-timeout": "1S", "te": "trailers", "content-type": "application/grpc+proto;x=y",
    "user-agent": "grpc-go/1", "grpc-encoding": "gzip", "grpc-accept-encoding": "gzip,identity",
    "grpc-previous-rpc-attempts": "2", "user": "ada", "x-bin": "AQI", "user": "bob",
  ]

  @Test("A plain request is accepted and says what it wants")
  func plainRequest() {
    let head = RequestHead()

    head.receive(Self.plain)

    #expect(head.refusal == nil)
    #expect(head.pathText == "/greet.Greeter/SayHello")
    #expect(unsafe Array(head.path) == Array("/greet.Greeter/SayHello".utf8))
    #expect(head.authority == "localhost:50051")
    #expect(head.metadata.isEmpty)
    #expect(head.timeoutNanoseconds == nil)
    #expect(head.encoding == nil)
    #expect(head.acceptEncoding == nil)
    #expect(head.previousAttempts == nil)
    #expect(head.userAgent == "")
    #expect(head.contentSubtype == nil)
  }

  // Spec: W12 (A6: grpc-previous-rpc-attempts)
  @Test("All that a request can say is there")
  func fullRequest() {
    let head = RequestHead()

    head.receive(Self.full)

    expectFull(head)
  }

  // Spec: W5 (PROTOCOL-HTTP2: receivers do not depend on the order)
  @Test("The order of the fields does not matter, except among values of one name")
  func anyOrder() {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<200 {
      let head = RequestHead()
      var fields = Self.full.filter { $0.key != "user" }.shuffled(using: &generator)
      let place = Int.random(in: 0...fields.count, using: &generator)
      fields.insert((key: "user", value: "ada"), at: place)
      fields.append((key: "user", value: "bob"))

      for (name, value) in fields { head.receive(name, value) }

      expectFull(head)
    }
  }

  @Test("A head that was cut off anywhere leaves nothing behind for the next call")
  func reuse() {
    let head = RequestHead()
    for count in 0...Self.full.count {
      for (name, value) in Self.full.prefix(count) { head.receive(name, value) }
      head.receive("broken-bin", "!")
      head.receive("host", "other")
      _ = head.verdict()
      _ = head.metadata
      head.removeAll()

      head.receive(Self.plain)

      #expect(head.refusal == nil)
      #expect(head.pathText == "/greet.Greeter/SayHello")
      #expect(head.metadata.isEmpty)
      #expect(head.userAgent == "")
      #expect(head.authority == "localhost:50051")
      #expect(head.timeoutNanoseconds == nil)
      #expect(head.encoding == nil)
      #expect(head.acceptEncoding == nil)
      #expect(head.previousAttempts == nil)
      #expect(head.contentSubtype == nil)
      head.removeAll()
      #expect(head.pathText == "")
    }
  }

  private func expectFull(_ head: RequestHead, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(head.refusal == nil, sourceLocation: sourceLocation)
    #expect(head.pathText == "/s/m", sourceLocation: sourceLocation)
    #expect(head.authority == "a:1", sourceLocation: sourceLocation)
    #expect(head.timeoutNanoseconds == 1_000_000_000, sourceLocation: sourceLocation)
    #expect(head.userAgent == "grpc-go/1", sourceLocation: sourceLocation)
    #expect(head.encoding == "gzip", sourceLocation: sourceLocation)
    #expect(head.acceptEncoding == "gzip,identity", sourceLocation: sourceLocation)
    #expect(head.previousAttempts == 2, sourceLocation: sourceLocation)
    #expect(head.contentSubtype == "proto", sourceLocation: sourceLocation)
    #expect(head.metadata["user"] == ["ada", "bob"], sourceLocation: sourceLocation)
    #expect(head.metadata[bytes: "x-bin"] == [[1, 2]], sourceLocation: sourceLocation)
    #expect(head.metadata.count == 3, sourceLocation: sourceLocation)
  }
}

@Suite("Request head: what is accepted and what is shown")
struct RequestHeadAcceptanceTests {
  // Spec: W2 (PROTOCOL-HTTP2, Scheme)
  // Spec: W6 (PROTOCOL-HTTP2, TE)
  @Test("Odd and missing schemes and te fields do not matter")
  func schemeAndTE() {
    for scheme in ["", "http", "grpc", "\0"] {
      let head = RequestHead()
      head.receive([
        ":method": "POST", ":path": "/s/m", "content-type": "application/grpc", ":scheme": scheme,
        "te": scheme,
      ])
      #expect(head.refusal == nil)
    }
    let head = RequestHead()
    head.receive([":method": "POST", ":path": "/s/m", "content-type": "application/grpc"])
    #expect(head.refusal == nil)
  }

  // Spec: W4 (A41: Host counts only if :authority is missing)
  @Test("Host stands in for a missing authority, and is dropped beside one")
  func host() {
    let alone = RequestHead()
    alone.receive(["host": "h:1"])
    let beside = RequestHead()
    beside.receive(["host": "h:1", ":authority": "a:1"])

    #expect(alone.authority == "h:1")
    #expect(beside.authority == "a:1")
    #expect(beside.metadata.isEmpty)
    #expect(RequestHead().authority == "")
  }

  // Spec: W7 (PROTOCOL-HTTP2, Content-Type)
  @Test(
    "gRPC's content types are accepted",
    arguments: [
      "application/grpc", "application/grpc+proto", "application/grpc+json", "application/grpc;a=b",
      "application/grpc;", "Application/gRPC", "application/grpc+proto;charset=utf-8",
    ])
  func contentTypes(type: String) {
    let head = RequestHead()

    head.receive([":method": "POST", ":path": "/s/m", "content-type": type])

    #expect(head.refusal == nil)
  }

  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  @Test("The protocol's names are hidden from the application")
  func reservedNames() {
    let head = RequestHead()

    head.receive(RequestHeadTests.full)
    head.receive([
      "grpc-message-type": "m", "grpc-trace-bin": "AQ", "grpc-tags-bin": "not base64!",
      "grpc-status": "0", "grpc-message": "m", "grpc-status-details-bin": "AQ", ":status": "200",
      ":protocol": "x", "": "nameless",
    ])

    #expect(head.refusal == nil)
    #expect(head.metadata.map(\.name) == ["user", "x-bin", "user"])
    #expect(head.metadata.problem == nil)
  }

  @Test("Both tests for reserved names agree")
  func reservedNamesAgree() {
    let names = [
      ":a", "grpc-", "grpc-x", "grpc", "te", "host", "user-agent", "content-type", "connection",
      "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "upgrad", "te2", "x",
      "content-typf", "user-agenu", "grpc_x", "connectiom", "tf",
    ]
    for name in names {
      let head = RequestHead()
      head.receive(name, "v")
      #expect(head.metadata.isEmpty == Metadata.isReserved(name), "\(name)")
    }
  }

  // Spec: W23 (PROTOCOL-HTTP2, ASCII-Value: what receivers do with other bytes)
  @Test("A value outside printable ASCII is passed on, repaired where it must be")
  func oddValues() {
    let head = RequestHead()
    head.receive(["a": "é", "a": "\t", "a": ""])
    unsafe withBytes(of: "a".utf8) { name in
      unsafe withBytes(of: [0x41, 0xFF]) { unsafe head.receive(name: name, value: $0) }
    }

    #expect(head.metadata["a"] == ["é", "\t", "", "A\u{FFFD}"])
  }

  // Spec: W24 (PROTOCOL-HTTP2, Binary-Header: split on commas first)
  // Spec: W26 (PROTOCOL-HTTP2, Custom-Metadata: joined values)
  @Test("Joined binary values are split, then decoded; joined text stays as it is")
  func joinedValues() {
    let head = RequestHead()

    head.receive(["x-bin": "AQ==,AgM, ,BA", "x-bin": "", "-bin": "BQ", "text": "a,b"])

    #expect(head.metadata[bytes: "x-bin"] == [[1], [2, 3], [], [4], []])
    #expect(head.metadata[bytes: "-bin"] == [[5]])
    #expect(head.metadata["text"] == ["a,b"])
  }

  @Test("A number of attempts that is none is no number", arguments: ["", "-1", "x", "9999999999"])
  func attempts(text: String) {
    let head = RequestHead()

    head.receive("grpc-previous-rpc-attempts", text)

    #expect(head.previousAttempts == nil)
  }

  // Spec: W16 (grpc-go: zero is legal)
  @Test("A deadline that has passed already is accepted")
  func zeroTimeout() {
    let head = RequestHead()

    head.receive(RequestHeadTests.plain)
    head.receive("grpc-timeout", "0m")

    #expect(head.refusal == nil)
    #expect(head.timeoutNanoseconds == 0)
  }
}
