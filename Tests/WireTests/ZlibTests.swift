import TernBytes
import TernCore
import TernWire
import TestSupport
import Testing

@Suite("Compressed messages")
struct ZlibTests {
  static let greeting = Array("hello, hello, hello, hello!".utf8)
  private static let longText = Array(Array(repeating: greeting, count: 12_000).joined())
  static let formats: [ZlibFormat] = [.gzip, .zlib]

  // Made by Python's zlib, which wraps the same messages on its own.
  // swift-format-ignore
  static let foreign: [(name: String, format: ZlibFormat, hex: String)] = [
    ("gzip",                      .gzip, "1f8b0800000000000003 cb48cdc9c9d751c8c0a41401 0bd81d851b000000"),
    ("gzip with all its extras",  .gzip, "1f8b081f000000000203 060041420200787 9612e7478740077687900 1775 cb48cdc9c9d751c8c0a41401 0bd81d851b000000"),
    ("zlib",                      .zlib, "789c cb48cdc9c9d751c8c0a41401 856c0956"),
  ]

  // Spec: W44 (compression: gzip, and deflate in zlib's format)
  @Test("What others have compressed is read", arguments: foreign)
  func readsForeign(name: String, format: ZlibFormat, hex: String) throws {
    #expect(try decompress(bytes(ofHex: hex), format) == Self.greeting)
  }

  // swift-format-ignore
  static let broken: [(name: String, format: ZlibFormat, hex: String)] = [
    ("nothing",                   .gzip, ""),
    ("nothing",                   .zlib, ""),
    ("text",                      .gzip, "68656c6c6f2c2068656c6c6f"),
    ("zlib for gzip",             .gzip, "789c cb48cdc9c9d751c8c0a41401 856c0956"),
    ("gzip for zlib",             .zlib, "1f8b0800000000000003 cb48cdc9c9d751c8c0a41401 0bd81d851b000000"),
    ("no header at all",          .zlib, "cb48cdc9c9d751c8c0a41401"),
    ("a dictionary",              .zlib, "78bb0ace0261cbc049290200856c0956"),
    ("the header's checksum",     .gzip, "1f8b081f000000000203 060041420200787 9612e7478740077687900 1774 cb48cdc9c9d751c8c0a41401 0bd81d851b000000"),
    ("reserved flags",            .gzip, "1f8b08e0000000000003 cb48cdc9c9d751c8c0a41401 0bd81d851b000000"),
    ("another method",            .gzip, "1f8b0700000000000003 cb48cdc9c9d751c8c0a41401 0bd81d851b000000"),
    ("an extra without end",      .gzip, "1f8b0804000000000003 ffff cb48cdc9c9d751c8c0a41401 0bd81d851b000000"),
    ("a name without end",        .gzip, "1f8b0808000000000003 6161616161616161"),
    ("a wrong checksum",          .gzip, "1f8b0800000000000003 cb48cdc9c9d751c8c0a41401 0cd81d851b000000"),
    ("a wrong checksum",          .zlib, "789c cb48cdc9c9d751c8c0a41401 856c0957"),
    ("a wrong length",            .gzip, "1f8b0800000000000003 cb48cdc9c9d751c8c0a41401 0bd81d851c000000"),
    ("a byte behind",             .gzip, "1f8b0800000000000003 cb48cdc9c9d751c8c0a41401 0bd81d851b000000 00"),
    ("a byte behind",             .zlib, "789c cb48cdc9c9d751c8c0a41401 856c0956 00"),
    ("two members",               .gzip, "1f8b0800000000000003 cb48cdc9c9d751c8c0a41401 0bd81d851b000000 1f8b0800000000000003 cb48cdc9c9d751c8c0a41401 0bd81d851b000000"),
    ("a member of nothing first", .gzip, "1f8b08000000000000030300 0000000000000000 1f8b0800000000000003 cb48cdc9c9d751c8c0a41401 0bd81d851b000000"),
  ]

  // Spec: W49 (compression: what cannot be decompressed)
  @Test("What is damaged is INTERNAL, and says why", arguments: broken)
  func refusesBroken(name: String, format: ZlibFormat, hex: String) throws {
    let error = #expect(throws: DecompressionError.self) {
      try decompress(bytes(ofHex: hex), format)
    }
    let status = try #require(error).status(compressedBytes: 7, encoding: "gzip")
    #expect(status.code == .internal)
    #expect(status.message.contains("its 7 bytes are damaged: "))
    #expect(!status.message.hasSuffix(": ."))
  }

  @Test("A gzip stream of nothing is an empty message")
  func empty() throws {
    let bytes = bytes(ofHex: "1f8b0800000000000003 0300 0000000000000000")

    #expect(try decompress(bytes, .gzip) == [])
    #expect(try decompress(bytes, .gzip, maxBytes: 0) == [])
  }

  @Test(
    "A message comes back as it was, at each level", arguments: formats, Array(1...9) as [Int32])
  func roundTrip(format: ZlibFormat, level: Int32) throws {
    let deflater = Deflater(format, level: level)
    for count in [100, 4_095, 4_096, 4_097, 65_536, 300_000] {
      let message = Array(Self.longText.prefix(count))
      let compressed = try #require(compress(message, with: deflater))
      #expect(compressed.count < count)
      #expect(try decompress(compressed, format) == message)
    }
  }

  // Spec: W45 (compression: a fresh context for each message)
  @Test("Each message is compressed as if it were the first", arguments: formats)
  func freshContext(format: ZlibFormat) throws {
    let deflater = Deflater(format, level: 6)
    let inflater = Inflater(format)
    let message = Self.greeting + Self.greeting
    let first = try #require(compress(message, with: deflater))

    _ = compress(Array(repeating: 7, count: 100_000), with: deflater)
    #expect(throws: DecompressionError.self) {
      try decompress(Array(first.dropLast()), with: inflater)
    }

    #expect(compress(message, with: deflater) == first)
    #expect(try decompress(first, with: inflater) == message)
  }

  @Test("What would not become shorter is left alone, and leaves no trace")
  func incompressible() {
    var generator = SeededGenerator(seed: 45)
    let deflater = Deflater(.gzip, level: 6)
    let output = ByteBuffer()
    output.append(byte: 9)
    for message in [[], [1], Array("short".utf8), generator.bytes(atMost: 5_000)] {
      let isShorter = unsafe withBytes(of: message) { unsafe deflater.compress($0, into: output) }
      #expect(!isShorter)
      #expect(output.bytes == [9])
    }
  }

  // Spec: W49 (compression: what cannot be decompressed)
  @Test("A stream that is cut off at any byte is damaged", arguments: formats)
  func cutOff(format: ZlibFormat) throws {
    let message = Array(repeating: Self.greeting, count: 500).joined()
    let whole = try #require(compress(Array(message), with: Deflater(format, level: 6)))
    let inflater = Inflater(format)

    for count in 0..<whole.count {
      #expect(throws: DecompressionError.damaged("they are cut off")) {
        try decompress(Array(whole.prefix(count)), with: inflater)
      }
    }
  }

  // Spec: W49 (compression: what cannot be decompressed)
  @Test("A flipped bit is noticed, or changes nothing of the message", arguments: formats)
  func flippedBits(format: ZlibFormat) throws {
    var generator = SeededGenerator(seed: 49)
    let message = generator.bytes(atMost: 4_000, from: Array("abcdefgh".utf8))
    let whole = try #require(compress(message, with: Deflater(format, level: 6)))
    let inflater = Inflater(format)
    var noticed = 0

    for _ in 0..<2_000 {
      var bytes = whole
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
        1
        << UInt8.random(in: 0..<8, using: &generator)
      do throws(DecompressionError) {
        let seen = try decompress(bytes, with: inflater, maxBytes: 10_000)
        // zlib's Adler-32 is the same for some messages that differ little; gzip's CRC-32 is not.
        #expect(format == .zlib || seen == message)
      } catch {
        noticed += 1
      }
    }

    #expect(noticed > 1_900)
  }

  // Spec: W39 (decompressed size: at most limit + 1 bytes, then stop)
  @Test("The limit is exact", arguments: formats, [0, 1, 4_095, 4_096, 4_097, 1 << 20, 4 << 20])
  func limit(format: ZlibFormat, limit: Int) throws {
    let deflater = Deflater(format, level: 6)
    for count in [limit - 1, limit, limit + 1] where count > 30 {
      let message = [UInt8](repeating: 7, count: count)
      let compressed = try #require(compress(message, with: deflater))
      if count <= limit {
        #expect(try decompress(compressed, format, maxBytes: limit) == message)
      } else {
        #expect(throws: DecompressionError.tooLarge(limitBytes: limit)) {
          try decompress(compressed, format, maxBytes: limit)
        }
      }
    }
  }

  // Spec: W39 (decompressed size: at most limit + 1 bytes, then stop)
  @Test("A bomb stops at the limit, and takes no more memory than the limit")
  func bomb() throws {
    let zeros = [UInt8](repeating: 0, count: 16 << 20)
    let bomb = try #require(compress(zeros, with: Deflater(.gzip, level: 9)))
    let output = ByteBuffer()

    #expect(bomb.count < 17 << 10)
    #expect(throws: DecompressionError.tooLarge(limitBytes: 4 << 20)) {
      try decompress(bomb, with: Inflater(.gzip), into: output, maxBytes: 4 << 20)
    }
    #expect(output.count == 4 << 20)
    #expect(output.capacity == 4 << 20)
  }

  @Test("A small message takes little memory, however large it may be")
  func smallMessage() throws {
    let compressed = bytes(ofHex: Self.foreign[0].hex)
    let output = ByteBuffer()

    try decompress(compressed, with: Inflater(.gzip), into: output, maxBytes: .max)

    #expect(output.bytes == Self.greeting)
    #expect(output.capacity <= 4 << 10)
  }

  // Spec: W75 (who generates which status: out of memory)
  @Test("Without memory for zlib a message goes plain, and one that comes is RESOURCE_EXHAUSTED")
  func noMemory() throws {
    for format in Self.formats {
      let deflater = unsafe Deflater(format, level: 6, allocator: { _, _, _ in nil })
      let inflater = unsafe Inflater(format, allocator: { _, _, _ in nil })
      let compressed = try #require(compress(Self.longText, with: Deflater(format, level: 6)))

      #expect(compress(Self.longText, with: deflater) == nil)
      #expect(throws: DecompressionError.noMemory) {
        try decompress(compressed, with: inflater, maxBytes: .max)
      }
      #expect(!deflater.isUsable && !inflater.isUsable)
    }
    let status = DecompressionError.noMemory.status(compressedBytes: 9, encoding: "gzip")
    #expect(status.code == .resourceExhausted)
  }

  @Test("Random bytes never trap, and give no more than the limit")
  func random() throws {
    var generator = SeededGenerator(seed: 50)
    let inflaters = Self.formats.map { Inflater($0) }
    let headers: [[UInt8]] = [[], [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], [0x78, 0x9C]]

    for _ in 0..<5_000 {
      let bytes = headers.randomElement(using: &generator)! + generator.bytes(atMost: 60)
      let output = ByteBuffer()
      for inflater in inflaters {
        try? decompress(bytes, with: inflater, into: output, maxBytes: 500)
      }
      #expect(output.count <= 2 * 500)
    }
  }

  // MARK: Feeding

  private func compress(_ message: [UInt8], with deflater: Deflater) -> [UInt8]? {
    let output = ByteBuffer()
    let isShorter = unsafe withBytes(of: message) { unsafe deflater.compress($0, into: output) }
    return isShorter ? output.bytes : nil
  }

  private func decompress(
    _ bytes: [UInt8], _ format: ZlibFormat, maxBytes: Int = 4 << 20
  ) throws(DecompressionError) -> [UInt8] {
    try decompress(bytes, with: Inflater(format), maxBytes: maxBytes)
  }

  private func decompress(
    _ bytes: [UInt8], with inflater: Inflater, maxBytes: Int = 4 << 20
  ) throws(DecompressionError) -> [UInt8] {
    let output = ByteBuffer()
    try decompress(bytes, with: inflater, into: output, maxBytes: maxBytes)
    return output.bytes
  }

  private func decompress(
    _ bytes: [UInt8], with inflater: Inflater, into output: ByteBuffer, maxBytes: Int
  ) throws(DecompressionError) {
    let result = unsafe bytes.withUnsafeBytes { bytes in
      Result { () throws(DecompressionError) in
        try unsafe inflater.decompress(bytes, into: output, maxBytes: maxBytes)
      }
    }
    try result.get()
  }

  private func bytes(ofHex text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}
