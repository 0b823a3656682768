import SwiftProtobuf
import TernCore
import TernErrorDetails
import TernProtobuf
import Testing

@Suite("Standard details")
struct ErrorDetailsTests {
  static let violation = BadRequest.FieldViolation.with {
    $0.field = "f"
    $0.description_p = "d"
    $0.reason = "R"
    $0.localizedMessage = localized
  }
  static let localized = LocalizedMessage.with {
    $0.locale = "l"
    $0.message = "m"
  }
  static let quota = QuotaFailure.Violation.with {
    $0.subject = "s"
    $0.description_p = "d"
    $0.apiService = "a"
    $0.quotaMetric = "m"
    $0.quotaID = "i"
    $0.quotaDimensions = ["k": "v"]
    $0.quotaValue = 7
    $0.futureQuotaValue = 8
  }
  static let precondition = PreconditionFailure.Violation.with {
    $0.type = "t"
    $0.subject = "s"
    $0.description_p = "d"
  }
  static let resource = ResourceInfo.with {
    $0.resourceType = "t"
    $0.resourceName = "n"
    $0.owner = "o"
    $0.description_p = "d"
  }
  static let link = Help.Link.with {
    $0.description_p = "d"
    $0.url = "u"
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var message: any Message
    var hex: String

    init(_ message: any Message, _ hex: String) {
      self.message = message
      self.hex = hex
    }

    var testDescription: String { type(of: message).protoMessageName }
  }

  /// The bytes are those that googleapis-common-protos 1.76.0 for Python makes of the same values.
  static let rows = [
    Row(
      ErrorInfo.with {
        $0.reason = "R"
        $0.domain = "d"
        $0.metadata = ["k": "v"]
      }, "0a01521201641a060a016b120176"),
    Row(RetryInfo(delay: .milliseconds(1500)), "0a0808011080cab5ee01"),
    Row(
      DebugInfo.with {
        $0.stackEntries = ["a", "b"]
        $0.detail = "d"
      }, "0a01610a0162120164"),
    Row(
      QuotaFailure.with { $0.violations = [quota] },
      "0a1b0a01731201641a016122016d2a016932060a016b12017638074008"),
    Row(PreconditionFailure.with { $0.violations = [precondition] }, "0a090a01741201731a0164"),
    Row(
      BadRequest.with { $0.fieldViolations = [violation] }, "0a110a01661201641a015222060a016c12016d"
    ),
    Row(
      RequestInfo.with {
        $0.requestID = "i"
        $0.servingData = "d"
      }, "0a0169120164"),
    Row(resource, "0a017412016e1a016f220164"),
    Row(Help.with { $0.links = [link] }, "0a060a0164120175"),
    Row(localized, "0a016c12016d"),
  ]

  @Test("Each type has the bytes that it has elsewhere", arguments: rows)
  func bytes(_ row: Row) throws {
    #expect(hex(try row.message.serializedBytes()) == row.hex)
  }

  // Spec: W58 (PROTOCOL-HTTP2, Status-Details)
  @Test("An error's details have the bytes that they have elsewhere")
  func errorBytes() {
    let error = RPCError(.notFound, "m", details: [Self.localized])

    #expect(
      hex(error.detailsBytes)
        == "080512016d1a390a2f747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e4c"
        + "6f63616c697a65644d65737361676512060a016c12016d")
  }

  @Test("All standard details are read at once, in their order and without others")
  func standardDetails() throws {
    let messages = Self.rows.map(\.message)
    let error = RPCError(
      .aborted, details: [Google_Protobuf_StringValue("x")] + messages + [Self.localized])

    let details = try error.standardDetails

    #expect(details.map { "\($0)" } == (messages + [Self.localized]).map { "\($0)" })
    #expect(details.last as? LocalizedMessage == Self.localized)
  }

  @Test(
    "A delay comes back as it went",
    arguments: [.zero, .seconds(5), .nanoseconds(1), .seconds(315_576_000_000)] as [Duration])
  func delay(_ delay: Duration) {
    #expect(RetryInfo(delay: delay).delay == delay)
    #expect(RetryInfo().delay == .zero)
  }

  @Test("A delay that makes no sense is cut", arguments: [Int32.min, 0, .max])
  func absurdDelay(nanos: Int32) {
    let longest = RetryInfo.with { $0.retryDelay = .init(seconds: .max, nanos: nanos) }
    let shortest = RetryInfo.with { $0.retryDelay = .init(seconds: .min, nanos: nanos) }

    #expect(longest.delay == .seconds(315_576_000_000))
    #expect(shortest.delay == .zero)
    #expect(RetryInfo(delay: .seconds(-1)).delay == .zero)
    #expect(RetryInfo(delay: .seconds(Int64.max)).delay == .seconds(315_576_000_000))
  }

  @Test("A whole google.rpc.Status can be had as a message")
  func status() throws {
    let error = RPCError(.notFound, "m", details: [Self.localized])

    let status = try Google_Rpc_Status(serializedBytes: error.detailsBytes)

    #expect(status.code == 5)
    #expect(status.message == "m")
    #expect(try status.details == error.details)
  }

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }.joined()
  }
}
