import TernBytes
import TernCore
import TernWire
import Testing

@Suite("Request fields")
struct RequestFieldsTests {
  // Spec: W1 (PROTOCOL-HTTP2, Method)
  // Spec: W2 (PROTOCOL-HTTP2, Scheme)
  // Spec: W3 (PROTOCOL-HTTP2, Path)
  // Spec: W4 (PROTOCOL-HTTP2, Authority)
  @Test("Pseudo fields say method, scheme, path and authority")
  func pseudo() {
    let fields = RequestFields.pseudo(path: "/s/m", authority: "host:1", scheme: "http")

    #expect(
      fields.lines == [":method: POST", ":scheme: http", ":path: /s/m", ":authority: host:1"])
  }

  // Spec: W6 (PROTOCOL-HTTP2, TE)
  // Spec: W7 (PROTOCOL-HTTP2, Content-Type)
  // Spec: W10 (PROTOCOL-HTTP2, User-Agent)
  // Spec: W44 (compression: grpc-accept-encoding)
  @Test("Every request says that it wants trailers, what it is, what it accepts, and who sends it")
  func fixed() {
    let fields = RequestFields.fixed(
      userAgent: UserAgent.text(application: nil), acceptedEncodings: "identity,gzip")

    #expect(
      fields.lines == [
        "te: trailers", "content-type: application/grpc", "grpc-accept-encoding: identity,gzip",
        "user-agent: grpc-swift-tern/\(TernVersion.text)",
      ])
  }

  // Spec: W15 (PROTOCOL-HTTP2, Timeout)
  @Test("A timeout is one field")
  func timeout() {
    #expect(RequestFields.timeout(nanoseconds: 1_500).lines == ["grpc-timeout: 1500n"])
  }

  // Spec: W22 (PROTOCOL-HTTP2, ASCII-Value: no blanks at the ends)
  // Spec: W24 (PROTOCOL-HTTP2, Binary-Header: unpadded)
  // Spec: W26 (PROTOCOL-HTTP2, Custom-Metadata: order of repeated names)
  @Test("Metadata keeps its order; bytes are base64, blanks at the ends are cut")
  func metadata() {
    var metadata: Metadata = ["B": "1", "a": " x y  ", "b": "2", "blank": "  ", "empty": ""]
    metadata.append("x-bin", [0xFF])
    metadata.append("x-bin", [])

    #expect(
      RequestFields.metadata(metadata)?.lines == [
        "b: 1", "a: x y", "b: 2", "blank: ", "empty: ", "x-bin: /w", "x-bin: ",
      ])
  }

  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  @Test("What cannot travel is left out, and cannot pass for a field of the protocol")
  func illegalMetadata() {
    let illegal: Metadata = ["grpc-timeout": "1S", ":path": "/x", "te": "x", "a": "é", "ü": "v"]

    #expect(RequestFields.metadata(illegal) == nil)
    #expect(ResponseFields.metadata(illegal) == nil)
    #expect(ResponseFields.trailers(.ok, metadata: illegal).lines == ["grpc-status: 0"])
    var mixed = illegal
    mixed.append("good", "v")
    #expect(RequestFields.metadata(mixed)?.lines == ["good: v"])
  }

  @Test("No metadata is no block")
  func noMetadata() {
    #expect(RequestFields.metadata([:]) == nil)
    #expect(ResponseFields.metadata([:]) == nil)
  }

  // Spec: W5 (PROTOCOL-HTTP2, Request-Headers: order)
  @Test("A server accepts what a client sends, in the client's order")
  func bothSides() {
    let head = RequestHead()
    let sent = [
      RequestFields.pseudo(path: "/s/m", authority: "a", scheme: "http"),
      RequestFields.timeout(nanoseconds: 5),
      RequestFields.fixed(userAgent: "u", acceptedEncodings: "identity"),
      RequestFields.encoding("gzip"), RequestFields.metadata(["user": "ada"]),
    ]
    for block in sent.compactMap({ $0 }) {
      for index in 0..<block.count {
        head.receive(block.nameText(at: index), block.valueText(at: index))
      }
    }

    #expect(head.refusal == nil)
    #expect(head.pathText == "/s/m")
    #expect(head.timeoutNanoseconds == 5)
    #expect(head.userAgent == "u")
    #expect(head.encoding == "gzip")
    #expect(head.acceptEncoding == "identity")
    #expect(head.metadata == ["user": "ada"])
  }
}

@Suite("User agent")
struct UserAgentTests {
  // Spec: W10 (PROTOCOL-HTTP2, User-Agents)
  @Test("The application goes first, and cannot break the field")
  func application() {
    let library = "grpc-swift-tern/\(TernVersion.text)"

    #expect(UserAgent.text(application: nil) == library)
    #expect(UserAgent.text(application: "shop/2") == "shop/2 \(library)")
    #expect(UserAgent.text(application: "  a\r\nb  ü ") == "a??b ? \(library)")
    #expect(UserAgent.text(application: "") == library)
    #expect(UserAgent.text(application: "  ") == library)
  }
}

@Suite("Response fields")
struct ResponseFieldsTests {
  // Spec: W54 (PROTOCOL-HTTP2, Response-Headers)
  @Test("A head says 200 and gRPC")
  func head() {
    #expect(ResponseFields.head.lines == [":status: 200", "content-type: application/grpc"])
    #expect(ResponseFields.metadata(["a": "b"])?.lines == ["a: b"])
  }

  // Spec: W56 (PROTOCOL-HTTP2, Status: sent for OK as well)
  @Test("A status of OK is sent, always as the same block")
  func trailersOK() {
    #expect(ResponseFields.trailersOK.lines == ["grpc-status: 0"])
    #expect(ResponseFields.trailers(.ok, metadata: [:]) === ResponseFields.trailersOK)
  }

  // Spec: W56 (PROTOCOL-HTTP2, Status)
  @Test("Every code is its decimal number", arguments: StatusCode.allCases)
  func codes(code: StatusCode) {
    let fields = ResponseFields.trailers(Status(code, "m"), metadata: [:])

    #expect(fields.lines == ["grpc-status: \(code.rawValue)", "grpc-message: m"])
  }

  // Spec: W54 (PROTOCOL-HTTP2, Trailers)
  // Spec: W57 (PROTOCOL-HTTP2, Status-Message)
  // Spec: W58 (PROTOCOL-HTTP2, Status-Details)
  @Test("Trailers carry the status, its message and details, then metadata")
  func trailers() {
    let status = Status(.notFound, "no ü", detailsBytes: [1, 2])

    #expect(
      ResponseFields.trailers(status, metadata: ["a": "b"]).lines == [
        "grpc-status: 5", "grpc-message: no %C3%BC", "grpc-status-details-bin: AQI", "a: b",
      ])
    #expect(
      ResponseFields.trailers(.ok, metadata: ["a": "b"]).lines == ["grpc-status: 0", "a: b"])
  }

  // Spec: W46 (compression: encoding not supported by the server)
  // Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
  @Test("Trailers-only is head and trailers in one")
  func trailersOnly() {
    let status = Status(.unimplemented, "m")

    #expect(
      ResponseFields.trailersOnly(status, metadata: ["a": "b"], httpStatus: 200).lines == [
        ":status: 200", "content-type: application/grpc", "grpc-status: 12", "grpc-message: m",
        "a: b",
      ])
    #expect(
      ResponseFields.trailersOnly(
        status, metadata: [:], httpStatus: 200, acceptEncoding: "identity,gzip"
      ).value(of: "grpc-accept-encoding") == "identity,gzip")
  }

  // Spec: W44 (compression: grpc-encoding and grpc-accept-encoding)
  @Test("A response says what the server accepts, and what it compresses with if it does")
  func compression() {
    #expect(
      ResponseFields.compression(acceptedEncodings: "identity", encoding: nil).lines == [
        "grpc-accept-encoding: identity"
      ])
    #expect(
      ResponseFields.compression(acceptedEncodings: "identity", encoding: "gzip").lines == [
        "grpc-accept-encoding: identity", "grpc-encoding: gzip",
      ])
  }

  @Test("A long message is cut, never inside an escape", arguments: 0...9)
  func longMessage(offset: Int) throws {
    let text = String(repeating: "a", count: offset) + String(repeating: "ü", count: 2_000)

    let fields = ResponseFields.trailers(Status(.internal, text), metadata: [:])

    let message = try #require(fields.value(of: "grpc-message"))
    #expect(message.utf8.count <= ResponseFields.maxMessageBytes)
    #expect(message.utf8.count > ResponseFields.maxMessageBytes - 6)
    let decoded = unsafe withBytes(of: message.utf8) { unsafe PercentCoding.decode($0) }
    #expect(text.hasPrefix(decoded))
  }

  @Test("Message and details together stay below the header limit that peers suggest")
  func longDetails() throws {
    let text = String(repeating: "a", count: 5_000)
    let details = [UInt8](repeating: 7, count: ResponseFields.maxDetailsBytes * 3 / 4)

    let fits = ResponseFields.trailersOnly(
      Status(.internal, text, detailsBytes: details), metadata: [:], httpStatus: 200)
    let tooLong = ResponseFields.trailersOnly(
      Status(.internal, text, detailsBytes: details + [7]), metadata: [:], httpStatus: 200)

    #expect(fits.byteCount + 32 * fits.count < 8 << 10)
    #expect(fits.value(of: "grpc-status-details-bin") != nil)
    #expect(tooLong.byteCount + 32 * tooLong.count < 8 << 10)
    #expect(tooLong.value(of: "grpc-status-details-bin") == nil)
    let message = try #require(tooLong.value(of: "grpc-message"))
    #expect(message.hasPrefix("(\(details.count + 1) bytes of details left out"))
  }
}
