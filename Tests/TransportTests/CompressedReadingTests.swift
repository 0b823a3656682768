import Synchronization
import Testing
import TernBytes
import TernCore
import TernEventLoop
import TernWire
import TestSupport

@testable import TernTransport

@Suite("Reading compressed messages", .timeLimit(.minutes(1)))
struct CompressedReadingTests {
  private let group = EventLoopGroup(loopCount: 1)
  private var loop: EventLoop { group.loops[0] }

  private func stream(with bytes: [UInt8] = [], encoding: String = "gzip") -> ClientStream {
    .receiving(bytes, encoding: encoding, on: loop)
  }

  private func next(_ reader: _MessageReader) throws -> [UInt8]? {
    try unsafe reader.nextInBatch().map { unsafe Array($0) }
  }

  // Spec: W33 (PROTOCOL-HTTP2, Compressed-Flag: each message has its own)
  @Test("Compressed and plain messages come in their order, wherever the bytes are split")
  func splits() async throws {
    let wire =
      flagged(compressed(text(100))) + framed([1]) + flagged(compressed(text(80))) + framed([])
    for boundary in 0...wire.count {
      let stream = stream(with: Array(wire.prefix(boundary)))
      let reader = _MessageReader(stream: stream)
      var seen: [[UInt8]] = []

      for rest in [[], Array(wire.dropFirst(boundary))] {
        stream.inbound.append(contentsOf: rest)
        if stream.hasInboundNews { #expect(try await reader.fill()) }
        while let message = try next(reader) { seen.append(message) }
      }

      #expect(seen == [text(100), [1], text(80), []], "split at \(boundary)")
    }
  }

  @Test("Messages are unpacked when they are taken, one at a time")
  func oneAtATime() async throws {
    let unpacked = Counter()
    let counting = CompressionAlgorithm(
      name: "counting", compress: { _, _ in },
      decompress: { bytes, output, _ in
        unpacked.add()
        output.append(bytes)
      })
    let stream = ClientStream.receiving(
      flagged([1]) + prefixed([2]) + flagged([3]), encoding: "counting", on: loop,
      accepting: [counting])
    let reader = _MessageReader(stream: stream)

    #expect(try await reader.fill())
    for (message, count) in [([1], 1), ([2], 1), ([3], 2)] as [([UInt8], Int)] {
      #expect(unpacked.value <= count)
      #expect(try next(reader) == message)
      #expect(unpacked.value == count)
    }
  }

  // Spec: W49 (compression: what cannot be decompressed)
  // Spec: W39 (decompressed size: the limit of messages)
  @Test(
    "A message that cannot be unpacked ends the call, behind those before it",
    arguments: [
      ([1, 2, 3], StatusCode.internal),
      (compressed([UInt8](repeating: 0, count: (4 << 20) + 1)), .resourceExhausted),
    ])
  func damaged(payload: [UInt8], code: StatusCode) async throws {
    let stream = stream(with: framed([1]) + flagged(payload) + framed([2]))
    let reader = _MessageReader(stream: stream)

    #expect(try await reader.fill())
    #expect(try next(reader) == [1])
    let error = #expect(throws: RPCError.self) { try next(reader) }
    let again = await #expect(throws: RPCError.self) { try await reader.fill() }

    #expect(error?.code == code)
    #expect(error?.origin == .peer)
    #expect(again?.code == code)
    #expect(try next(reader) == nil)
    #expect(try await loop.perform { stream.failure?.code } == code)
  }

  // Spec: W48 (compression: encoding not supported by the client)
  // Spec: W47 (compression: flag without encoding)
  @Test(
    "A message that nobody here can unpack is an error, behind what came before it",
    arguments: ["snappy", "identity", ""])
  func unknown(encoding: String) async throws {
    let stream = stream(with: framed([1]) + flagged([9]), encoding: encoding)
    let reader = _MessageReader(stream: stream)

    #expect(try await reader.fill())
    #expect(try next(reader) == [1])
    let error = await #expect(throws: RPCError.self) { try await reader.fill() }

    #expect(error?.code == .internal)
  }

  @Test("There are never more spare codecs than the pool may keep")
  func pool() {
    let pool = CodecPool(maxSpare: 2)
    let deflaters = (1...4).map { pool.takeDeflater(.gzip, level: $0) }
    let inflaters = [ZlibFormat.gzip, .zlib, .gzip].map { pool.takeInflater($0) }

    for deflater in deflaters { pool.giveBack(deflater) }
    for inflater in inflaters { pool.giveBack(inflater) }

    #expect(pool.spareCounts.deflaters == 2)
    #expect(pool.spareCounts.inflaters == 2)
    #expect(pool.takeDeflater(.gzip, level: 4) === deflaters[3])
    #expect(pool.takeDeflater(.gzip, level: 1) !== deflaters[0])
    #expect(pool.takeDeflater(.zlib, level: 3).format == .zlib)
    #expect(pool.takeInflater(.gzip) === inflaters[2])
  }
}

/// Counts, from whatever thread.
private final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .relaxed) }
  func add() { count.wrappingAdd(1, ordering: .relaxed) }
}
