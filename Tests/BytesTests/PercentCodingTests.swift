import TernBytes
import TestSupport
import Testing

// Spec: W57 (PROTOCOL-HTTP2, Status-Message)
@Suite("Percent coding")
struct PercentCodingTests {
  @Test("Printable ASCII stays; the percent sign and all else is escaped")
  func encoding() {
    #expect(encoded("Hello, world! ~") == "Hello, world! ~")
    #expect(encoded("100%") == "100%25")
    #expect(encoded("a\nb\u{7F}\0") == "a%0Ab%7F%00")
    #expect(encoded("ü€😀") == "%C3%BC%E2%82%AC%F0%9F%98%80")
  }

  @Test("What was encoded comes back", arguments: ["", "plain", "100 %", "ü€😀\r\n\t", "%41%"])
  func roundTrip(text: String) {
    #expect(decoded(encoded(text)) == text)
  }

  @Test("A broken escape stays as it is")
  func brokenEscapes() {
    #expect(decoded("%") == "%")
    #expect(decoded("%4") == "%4")
    #expect(decoded("%zz%41") == "%zzA")
    #expect(decoded("%4g%") == "%4g%")
    #expect(decoded("%%41") == "%A")
    #expect(decoded("%c3%bC") == "ü")
  }

  @Test("What is not UTF-8 is repaired")
  func repair() {
    #expect(decoded("a%FFb") == "a\u{FFFD}b")

    let raw: [UInt8] = [0x61, 0xFF]
    #expect(unsafe raw.withUnsafeBytes { unsafe PercentCoding.decode($0) } == "a\u{FFFD}")
  }

  @Test("A cut never falls inside an escape or a character", arguments: 0...14)
  func cut(maxBytes: Int) {
    let buffer = ByteBuffer()

    let isWhole = PercentCoding.encode("aü%b", into: buffer, maxBytes: maxBytes)

    let expected =
      switch maxBytes {
      case 0: ""
      case 1...6: "a"
      case 7...9: "a%C3%BC"
      case 10: "a%C3%BC%25"
      default: "a%C3%BC%25b"
      }
    #expect(String(decoding: buffer.bytes, as: UTF8.self) == expected)
    #expect(isWhole == (maxBytes >= 11))
  }

  @Test("Random bytes never trap")
  func random() {
    var generator = SeededGenerator(seed: 57)
    for round in 0..<4_000 {
      let symbols = round % 2 == 0 ? Array("%%%09afAFgé ".utf8) : Array(0...255)
      let bytes = generator.bytes(atMost: 16, from: symbols)

      let text = unsafe bytes.withUnsafeBytes { unsafe PercentCoding.decode($0) }

      #expect(decoded(encoded(text)) == text)
    }
  }

  private func encoded(_ text: String) -> String {
    let buffer = ByteBuffer()
    PercentCoding.encode(text, into: buffer)
    return String(decoding: buffer.bytes, as: UTF8.self)
  }

  private func decoded(_ text: String) -> String {
    unsafe Array(text.utf8).withUnsafeBytes { unsafe PercentCoding.decode($0) }
  }
}
