import Testing
import TernBytes
import TernCore
import TernEventLoop
import TernHTTP2

@testable import TernTransport

@Suite("Message reader", .timeLimit(.minutes(1)))
struct MessageReaderTests {
  private let group = EventLoopGroup(loopCount: 1)
  private var loop: EventLoop { group.loops[0] }

  private func stream(with bytes: [UInt8]) -> ClientStream {
    let stream = ClientStream.unsent(on: loop)
    stream.inbound.append(contentsOf: bytes)
    return stream
  }

  private func next(_ reader: _MessageReader) throws -> [UInt8]? {
    try unsafe reader.nextInBatch().map { unsafe Array($0) }
  }

  @Test("All whole messages come in one batch, and the part behind them stays")
  func batches() async throws {
    let whole = framed([1]) + framed([]) + framed([2, 3])
    let stream = stream(with: whole + framed([4, 5]).dropLast())
    let reader = _MessageReader(stream: stream)

    #expect(try next(reader) == nil)
    #expect(try await reader.fill())
    #expect(try next(reader) == [1])
    #expect(try next(reader) == [])
    #expect(try next(reader) == [2, 3])
    #expect(try next(reader) == nil)
    #expect(stream.inbound.count == 6)

    stream.inbound.append(contentsOf: [5])
    #expect(try await reader.fill())
    #expect(try next(reader) == [4, 5])
  }

  @Test("A message over the limit is an error, behind what came whole before it")
  func tooLarge() async throws {
    let stream = stream(with: framed([1]) + [0, 0xFF, 0xFF, 0xFF, 0xFF])
    let reader = _MessageReader(stream: stream)

    #expect(try await reader.fill())
    #expect(try next(reader) == [1])
    let error = await #expect(throws: RPCError.self) { try await reader.fill() }

    #expect(error?.code == .resourceExhausted)
  }

  @Test("Whoever reads on another thread comes to the loop first")
  func otherThread() async throws {
    let stream = PlaceNotingStream(loop: loop)

    #expect(try await _MessageReader(stream: stream).fill() == false)

    #expect(stream.wasOnLoop == true)
  }

  @Test("Whoever waits for room on another thread comes to the loop first")
  func otherThreadWriting() async throws {
    let stream = PlaceNotingStream(loop: loop)
    stream.outbound.append(contentsOf: [UInt8](repeating: 0, count: Watermark.high))

    let writer = Task { try await _MessageOutput(stream: stream).waitForRoom() }
    while try await loop.perform({ !stream.hasWriterWaiters }) {}
    writer.cancel()
    await #expect(throws: CancellationError.self) { try await writer.value }

    #expect(stream.wasOnLoop == true)
  }

  // Spec: W74 (statuscodes: what a library never says by itself)
  @Test("Two iterators at once are refused; one after the other may read")
  func twoIterators() async throws {
    let stream = stream(with: framed([1]) + framed([2]))
    let reader = _MessageReader(stream: stream)

    do {
      var first = _MessageIterator(reader, codec: .bytes)
      #expect(try await first.next() == [1])
      var second = _MessageIterator(reader, codec: .bytes)
      let error = await #expect(throws: RPCError.self) { try await second.next() }
      #expect(error?.code == .internal)
      #expect(
        error?.message
          == "The messages of this call are read by two iterators at once. Let one task read them, "
          + "and hand them on.")
      withExtendedLifetime(first) {}
    }

    var third = _MessageIterator(reader, codec: .bytes)
    #expect(try await third.next() == [2])
  }
}

/// Notes where it is asked. `@unchecked Sendable` as its superclass.
private final class PlaceNotingStream: CallStream, @unchecked Sendable {
  private(set) var wasOnLoop: Bool?

  override func endOfInbound() throws(RPCError) -> Taken? {
    wasOnLoop = loop.isCurrent
    return .end
  }

  override var isInRootTask: Bool {
    wasOnLoop = loop.isCurrent
    return false
  }
}
