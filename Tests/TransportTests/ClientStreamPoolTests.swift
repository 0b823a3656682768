import Synchronization
import TernBytes
import TernCore
import TernEventLoop
import TernHTTP2
import TernWire
import Testing

@testable import TernTransport

/// Which streams of calls go to another call, and what that one sees of them.
@Suite("Spare streams")
struct ClientStreamPoolTests {
  private let loop = EventLoopGroup.shared.leastLoaded()
  private let pool = ClientStreamPool()

  /// Of a call that ended well, with which the loop has done.
  private func ended() -> ClientStream {
    let stream = ClientStream.unsent(on: loop, .unary)
    stream.response.end(.ok, origin: .peer)
    stream.end(nil, as: .answered)
    stream.isAtRest.store(true, ordering: .releasing)
    return stream
  }

  /// Nothing but the pool refers to it.
  private func giveBackAnEndedOne() -> ObjectIdentifier {
    let stream = ended()
    pool.giveBack(stream)
    return ObjectIdentifier(stream)
  }

  @Test("The stream of a call that is over serves the next one, as new")
  func reuse() throws {
    let identity: ObjectIdentifier
    do {
      let stream = ended()
      stream.inbound.append(contentsOf: [1, 2, 3])
      stream.outbound.append(contentsOf: [4])
      stream.hasHead = true
      stream.isRequestWhole = true
      stream.deadline = 1
      stream.forgetRequest()
      pool.giveBack(stream)
      identity = ObjectIdentifier(stream)
    }

    let next = try #require(pool.take())
    next.reopen(
      for: MethodDescriptor(service: "a.B", method: "C", kind: .serverStreaming),
      options: CallOptions(timeout: .seconds(1), metadata: ["user": "ada"]),
      maxRequestMessageBytes: 5, maxResponseMessageBytes: 6)

    #expect(ObjectIdentifier(next) == identity)
    #expect(next.inbound.isEmpty && next.outbound.isEmpty)
    #expect(!next.isOver && !next.isGivenUp && next.isClosed && !next.response.hasStatus)
    #expect(!next.hasHead && !next.isRequestWhole && next.deadline == nil)
    #expect(!next.isAtRest.load(ordering: .relaxed) && next.hasReplay)
    #expect(next.descriptor.path == "/a.B/C" && next.requestMetadata.first("user") == "ada")
    #expect(next.timeoutNanoseconds == 1_000_000_000 && !next.hasPlainHead)
    #expect(next.maxOutboundMessageBytes == 5 && next.maxInboundMessageBytes == 6)
    #expect(pool.take() == nil)
  }

  @Test("A stream to which somebody still refers goes to no other call")
  func stillHeld() {
    let late = ended()
    pool.giveBack(late)

    #expect(pool.take() == nil)
    #expect(late.isOver)
  }

  /// What makes a stream unfit for another call.
  enum Flaw: String, CaseIterable, Sendable {
    case loopHasNotDone, failed, intercepted, longRequest, longResponse, metadata, addedMetadata
  }

  @Test(
    "A stream that is not at rest, or kept something unusual, is not kept", arguments: Flaw.allCases
  )
  func flaws(_ flaw: Flaw) {
    var stream: ClientStream? = ended()
    switch flaw {
    case .loopHasNotDone: stream?.isAtRest.store(false, ordering: .releasing)
    case .failed: stream?.ending.store(.failed, ordering: .releasing)
    case .intercepted: stream?.interception = Interception(options: CallOptions())
    case .longRequest: stream?.outbound.reserveCapacity(ClientStreamPool.keptBytes + 1)
    case .longResponse: stream?.inbound.reserveCapacity(ClientStreamPool.keptBytes + 1)
    case .metadata: stream?.choose(CallOptions(metadata: ["a": "b"]))
    case .addedMetadata: stream?.credentialMetadata = ["a": "b"]
    }

    if let stream { pool.giveBack(stream) }
    stream = nil

    #expect(pool.take() == nil)
  }

  @Test("No more than 256 streams wait for a call")
  func limit() {
    let identities = (0...ClientStreamPool.maxSpare).map { _ in giveBackAnEndedOne() }
    let taken = identities.compactMap { _ in pool.take() }

    #expect(identities.count == 257)
    #expect(taken.count == 256)
    #expect(pool.take() == nil)
  }
}
