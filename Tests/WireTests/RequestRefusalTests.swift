import TernBytes
import TernCore
import TernWire
import Testing

@Suite("Request refusal")
struct RequestRefusalTests {
  struct Row: Sendable {
    var change: (name: String, value: String)
    var isAdded = false
    var httpStatus: Int
    var code: StatusCode
    /// What the message must name.
    var text: String
  }

  // Spec: W1 (PROTOCOL-HTTP2, Method)
  // Spec: W3 (PROTOCOL-HTTP2, Path: the slash is mandatory)
  // Spec: W4 (A41: duplicates of :authority or Host)
  // Spec: W7 (PROTOCOL-HTTP2, Content-Type)
  // Spec: W8 (PROTOCOL-HTTP2, Content-Type: 415)
  // Spec: W9 (RFC 9113, 8.2.2)
  // Spec: W16 (grpc-go: malformed grpc-timeout)
  // Spec: W25 (PROTOCOL-HTTP2, Binary-Header: what is not base64)
  // swift-format-ignore
  static let rows: [Row] = [
    Row(change: (":method", "GET"), httpStatus: 405, code: .internal, text: "'GET'"),
    Row(change: (":method", "POSTS"), httpStatus: 405, code: .internal, text: "'POSTS'"),
    Row(change: (":method", ""), httpStatus: 405, code: .internal, text: "''"),
    Row(change: ("content-type", "text/html"), httpStatus: 415, code: .internal, text: "'text/html'"),
    Row(change: ("content-type", "application/grpcfoo"), httpStatus: 415, code: .internal, text: "grpcfoo'"),
    Row(change: ("content-type", "application/grpc-web"), httpStatus: 415, code: .internal, text: "grpc-web'"),
    Row(change: ("content-type", "application/grp"), httpStatus: 415, code: .internal, text: "grp'"),
    Row(change: ("content-type", ""), httpStatus: 415, code: .internal, text: "''"),
    Row(change: (":path", "s/m"), httpStatus: 404, code: .unimplemented, text: "'s/m'"),
    Row(change: (":path", ""), httpStatus: 404, code: .unimplemented, text: "''"),
    Row(change: (":path", "*"), httpStatus: 404, code: .unimplemented, text: "'*'"),
    Row(change: (":authority", "b"), isAdded: true, httpStatus: 400, code: .internal, text: "authority"),
    Row(change: ("connection", "close"), isAdded: true, httpStatus: 400, code: .internal, text: "'connection'"),
    Row(change: ("keep-alive", "1"), isAdded: true, httpStatus: 400, code: .internal, text: "'keep-alive'"),
    Row(change: ("proxy-connection", "1"), isAdded: true, httpStatus: 400, code: .internal, text: "'proxy-connection'"),
    Row(change: ("transfer-encoding", "chunked"), isAdded: true, httpStatus: 400, code: .internal, text: "'transfer-encoding'"),
    Row(change: ("upgrade", "h2c"), isAdded: true, httpStatus: 400, code: .internal, text: "'upgrade'"),
    Row(change: ("grpc-timeout", "1 S"), isAdded: true, httpStatus: 400, code: .internal, text: "'1 S'"),
    Row(change: ("grpc-timeout", ""), isAdded: true, httpStatus: 400, code: .internal, text: "''"),
    Row(change: ("x-bin", "A"), isAdded: true, httpStatus: 400, code: .internal, text: "'x-bin'"),
    Row(change: ("x-bin", "AQ,A"), isAdded: true, httpStatus: 400, code: .internal, text: "'x-bin'"),
    Row(change: ("-bin", "%"), isAdded: true, httpStatus: 400, code: .internal, text: "'-bin'"),
  ]

  @Test("Each fault has its HTTP status, its status, and a text that names it")
  func faults() throws {
    for row in Self.rows {
      let head = RequestHead()
      for (name, value) in RequestHeadTests.plain {
        head.receive(name, !row.isAdded && name == row.change.name ? row.change.value : value)
      }
      if row.isAdded { head.receive(row.change.name, row.change.value) }

      let refusal = try #require(head.refusal, "\(row)")

      #expect(refusal.httpStatus == row.httpStatus, "\(row)")
      #expect(refusal.status.code == row.code, "\(row)")
      #expect(refusal.status.message.contains(row.text), "\(row): \(refusal.status)")
      #expect(refusal.fields.lines.first == ":status: \(row.httpStatus)", "\(row)")
      #expect(refusal.fields.value(of: "grpc-status") == "\(row.code.rawValue)", "\(row)")
      #expect(refusal.fields.value(of: "content-type") == "application/grpc", "\(row)")
      let allowed: String? = row.httpStatus == 405 ? "POST" : nil
      #expect(refusal.fields.value(of: "allow") == allowed, "\(row)")
    }
  }

  @Test(
    "A field that is missing is a fault as well", arguments: [":method", "content-type", ":path"])
  func missing(name: String) throws {
    let head = RequestHead()
    for field in RequestHeadTests.plain where field.key != name {
      head.receive(field.key, field.value)
    }

    let refusal = try #require(head.refusal)

    #expect(refusal.status.message.contains("none"))
  }

  @Test("An empty head is refused")
  func empty() {
    #expect(RequestHead().refusal?.httpStatus == 405)
  }

  // Spec: W4 (A41: duplicates of :authority or Host)
  @Test("Two hosts are a fault; one host beside an authority is none")
  func hosts() {
    let head = RequestHead()
    head.receive(RequestHeadTests.plain)
    head.receive("host", "a")
    #expect(head.refusal == nil)

    head.receive("host", "a")
    #expect(head.refusal?.httpStatus == 400)
  }

  @Test("The wrong method comes before the wrong content-type, and that before the rest")
  func gravestFirst() {
    let head = RequestHead()
    head.receive(["x-bin": "!", ":path": "m", "content-type": "text/plain", ":method": "PUT"])
    #expect(head.refusal?.httpStatus == 405)

    head.receive(":method", "POST")
    #expect(head.refusal?.httpStatus == 415)

    head.receive("content-type", "application/grpc")
    #expect(head.refusal?.httpStatus == 400)
  }

  @Test("A long value is cut in the message")
  func longValue() throws {
    let head = RequestHead()
    head.receive(RequestHeadTests.plain)
    head.receive(":path", String(repeating: "a", count: 8_000))

    let refusal = try #require(head.refusal)

    #expect(refusal.status.message.utf8.count < 200)
    #expect(refusal.status.message.contains("aaa…"))
  }
}
