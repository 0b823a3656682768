import TernBytes
import TernCore
import TestSupport
import Testing

@testable import TernWire

// Spec: W58 (PROTOCOL-HTTP2, Status-Details: both messages should agree)
@Suite("Status details")
struct StatusDetailsTests {
  /// Code 5, message "long", and a detail of two bytes; by hand, as protoc would.
  private static let code: [UInt8] = [0x08, 5]
  private static let detail: [UInt8] = [0x1A, 2, 0xAA, 0xBB]
  private static func message(_ text: String) -> [UInt8] {
    [0x12, UInt8(text.utf8.count)] + Array(text.utf8)
  }

  @Test("The message is replaced, and all else stays")
  func replacing() {
    let bytes = Self.code + Self.message("long") + Self.detail

    #expect(
      StatusDetails.replacingMessage(in: bytes, with: "ü")
        == Self.code + Self.detail + Self.message("ü"))
    #expect(
      StatusDetails.replacingMessage(in: Self.code, with: "a") == Self.code + Self.message("a"))
    let long = String(repeating: "a", count: 300)
    #expect(
      StatusDetails.replacingMessage(in: bytes, with: long)
        == Self.code + Self.detail + [0x12, 0xAC, 0x02] + Array(long.utf8))
  }

  @Test("Fields that nobody knows stay, of whatever form")
  func unknownFields() {
    let unknown: [UInt8] =
      [0x20, 0xFF, 0x01] + [0x29, 1, 2, 3, 4, 5, 6, 7, 8] + [0x35, 1, 2, 3, 4]

    #expect(
      StatusDetails.replacingMessage(in: unknown + Self.message("x"), with: "y")
        == unknown + Self.message("y"))
  }

  @Test("What is no encoded status is left alone, wherever it is cut")
  func malformed() {
    let bytes = Self.code + Self.message("long") + Self.detail
    let ends = [0, 2, 8, 12]

    for count in 0...bytes.count {
      let result = StatusDetails.replacingMessage(in: Array(bytes[..<count]), with: "y")
      #expect((result != nil) == ends.contains(count), "\(count)")
    }
    #expect(StatusDetails.replacingMessage(in: [0x0B, 0], with: "y") == nil)
    let endless = [UInt8](repeating: 0xFF, count: 20)
    #expect(StatusDetails.replacingMessage(in: endless, with: "y") == nil)
    // A length beyond what any memory holds.
    let huge: [UInt8] = [0x12] + [UInt8](repeating: 0xFF, count: 9) + [0x01]
    #expect(StatusDetails.replacingMessage(in: huge, with: "y") == nil)
  }

  @Test("Whatever the bytes are, it is replaced or left alone")
  func noTrap() {
    var numbers = SeededGenerator(seed: 12)
    for _ in 0..<20_000 {
      let bytes = numbers.bytes(atMost: 40, from: [0, 1, 2, 8, 0x0A, 0x12, 0x1A, 0x80, 0xFF])
      let result = StatusDetails.replacingMessage(in: bytes, with: "y")
      #expect(result == nil || result?.suffix(3) == [0x12, 1, UInt8(ascii: "y")])
    }
  }

  @Test("A message that is cut beside details is cut in them as well", arguments: 0...3)
  func agreement(offset: Int) throws {
    let text = String(repeating: "a", count: offset) + String(repeating: "ü", count: 400)
    // 800 bytes and a few: two bytes of length.
    let length = [UInt8(0xA0 + offset), 0x06]
    let details = Self.code + Self.detail + [0x12] + length + Array(text.utf8)
    let status = Status(.notFound, text, detailsBytes: details)

    let fields = ResponseFields.trailers(status, metadata: [:])

    let wire = try #require(fields.value(of: "grpc-message"))
    #expect((1_010...1_024).contains(wire.utf8.count))
    let message = unsafe withBytes(of: wire.utf8) { unsafe PercentCoding.decode($0) }
    #expect(text.hasPrefix(message))
    let base64 = try #require(fields.value(of: "grpc-status-details-bin"))
    let sent = try #require(unsafe withBytes(of: base64.utf8) { unsafe Base64.decode($0) })
    #expect(sent.suffix(message.utf8.count) == Array(message.utf8)[...])
    #expect(sent.starts(with: Self.code + Self.detail))
  }
}
