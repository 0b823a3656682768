import Testing
import TernBytes
import TernCore

@testable import TernTransport

@Suite("Compression by users' own functions")
struct CustomCompressionTests {
  private struct Damage: Error {}

  private static func bytes(_ span: RawSpan) -> [UInt8] {
    unsafe span.withUnsafeBytes { unsafe Array($0) }
  }

  /// Runs of one byte become its count and the byte.
  private static let runs = CompressionAlgorithm(
    name: "runs",
    compress: { message, output in
      var rest = bytes(message)[...]
      while let byte = rest.first {
        let count = min(255, rest.prefix { $0 == byte }.count)
        output.append(contentsOf: [UInt8(count), byte])
        rest = rest.dropFirst(count)
      }
    },
    decompress: { compressed, output, maxBytes in
      let pairs = bytes(compressed)
      guard pairs.count % 2 == 0 else { throw Damage() }
      for place in stride(from: 0, to: pairs.count, by: 2) {
        output.append(contentsOf: Array(repeating: pairs[place + 1], count: Int(pairs[place])))
        if output.count > maxBytes { return }
      }
    })

  private func decompress(_ bytes: [UInt8], maxBytes: Int) throws -> [UInt8] {
    let output = ByteBuffer()
    try unsafe bytes.withUnsafeBytes { bytes in
      try unsafe Self.runs.decompress(bytes, into: output, maxBytes: maxBytes)
    }
    return output.bytes
  }

  @Test("A message is replaced by what the function makes of it, if that is shorter")
  func compresses() throws {
    let buffer = ByteBuffer()
    buffer.append(contentsOf: [9] + [UInt8](repeating: 7, count: 300))

    #expect(try Self.runs.compress(in: buffer, from: 1))
    #expect(buffer.bytes == [9, 255, 7, 45, 7])
    #expect(try decompress([255, 7, 45, 7], maxBytes: 300) == [UInt8](repeating: 7, count: 300))

    #expect(try Self.runs.compress(in: buffer, from: 1) == false)
    #expect(buffer.bytes == [9, 255, 7, 45, 7])
  }

  // Spec: W39 (decompressed size: the limit of messages)
  @Test("The limit holds")
  func limit() {
    let error = #expect(throws: RPCError.self) { try decompress([255, 7, 45, 7], maxBytes: 299) }

    #expect(error?.code == .resourceExhausted)
  }

  // Spec: W49 (compression: what cannot be decompressed)
  @Test("What the function throws is INTERNAL, with its reason for us alone")
  func damaged() {
    let error = #expect(throws: RPCError.self) { try decompress([1, 2, 3], maxBytes: 299) }

    #expect(error?.code == .internal)
    #expect(error?.message.contains("'runs': its 3 bytes are damaged: ") == true)
    #expect(error?.message.contains("Damage()") == false)
    #expect(error?.cause is Damage)
  }
}
