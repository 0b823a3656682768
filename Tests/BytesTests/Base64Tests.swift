import TernBytes
import TestSupport
import Testing

@Suite("Base64")
struct Base64Tests {
  // RFC 4648, section 10, and the two symbols that the alphabets do not share.
  static let vectors: [(decoded: [UInt8], encoded: String, padded: String)] = [
    ([], "", ""),
    (Array("f".utf8), "Zg", "Zg=="),
    (Array("fo".utf8), "Zm8", "Zm8="),
    (Array("foo".utf8), "Zm9v", "Zm9v"),
    (Array("foob".utf8), "Zm9vYg", "Zm9vYg=="),
    (Array("fooba".utf8), "Zm9vYmE", "Zm9vYmE="),
    (Array("foobar".utf8), "Zm9vYmFy", "Zm9vYmFy"),
    ([0xFB, 0xEF, 0xBE, 0xFF], "++++/w", "++++/w=="),
  ]

  // Spec: W24 (PROTOCOL-HTTP2, Binary-Header: unpadded out, both in)
  @Test("The standard's examples go out unpadded, and come in padded and unpadded")
  func examples() {
    for vector in Self.vectors {
      #expect(encoded(vector.decoded) == vector.encoded)
      #expect(decoded(vector.encoded) == vector.decoded)
      #expect(decoded(vector.padded) == vector.decoded)
    }
  }

  @Test("Every byte at every place of a group comes back")
  func roundTrip() {
    for length in 1...7 {
      for byte in UInt8.min...UInt8.max {
        let bytes = (0..<length).map { byte &+ UInt8($0) &* 37 }
        #expect(decoded(encoded(bytes)) == bytes)
        #expect(encoded(bytes).utf8.count == Base64.encodedCount(length))
      }
    }
  }

  @Test(
    "What is not base64 is nothing, and adds nothing",
    arguments: [
      "Z", "=", "==", "===", "====", "Zg=", "Zg===", "Z===", "Zm9v=", "Zm9vYg=", "Zg==Zg==", "Zm=v",
      "Zm9v ", " Zm9v", "Zm\n9v", "Zm-v", "Zm_v", "Zm9vé", "Zm9,", "Zm9v\0",
    ])
  func bad(text: String) {
    let buffer = ByteBuffer()
    buffer.append("before")

    let isGood = unsafe Array(text.utf8).withUnsafeBytes {
      unsafe Base64.decode($0, into: buffer)
    }

    #expect(decoded(text) == nil)
    #expect(!isGood)
    #expect(!isValid(text))
    #expect(buffer.bytes == Array("before".utf8))
  }

  @Test("Decoding appends to what is in the buffer")
  func appending() {
    let buffer = ByteBuffer()
    buffer.append("a")

    let isGood = unsafe Array("YmM=".utf8).withUnsafeBytes {
      unsafe Base64.decode($0, into: buffer)
    }

    #expect(isGood)
    #expect(buffer.bytes == Array("abc".utf8))
  }

  @Test("Random bytes never trap, and all three forms of decoding agree")
  func random() {
    var generator = SeededGenerator(seed: 64)
    let symbols = Array("AZaz09+/=, \0\u{FF}".utf8)
    for _ in 0..<20_000 {
      let bytes = generator.bytes(atMost: 12, from: symbols)
      let buffer = ByteBuffer()
      let array = unsafe bytes.withUnsafeBytes { unsafe Base64.decode($0) }
      let isGood = unsafe bytes.withUnsafeBytes { unsafe Base64.decode($0, into: buffer) }
      let isValid = unsafe bytes.withUnsafeBytes { unsafe Base64.isValid($0) }

      #expect(isGood == isValid)
      #expect((array != nil) == isValid)
      #expect(buffer.bytes == array ?? [])
    }
  }

  private func encoded(_ bytes: [UInt8]) -> String {
    let buffer = ByteBuffer()
    unsafe bytes.withUnsafeBytes { unsafe Base64.encode($0, into: buffer) }
    return String(decoding: buffer.bytes, as: UTF8.self)
  }

  private func decoded(_ text: String) -> [UInt8]? {
    unsafe Array(text.utf8).withUnsafeBytes { unsafe Base64.decode($0) }
  }

  private func isValid(_ text: String) -> Bool {
    unsafe Array(text.utf8).withUnsafeBytes { unsafe Base64.isValid($0) }
  }
}
