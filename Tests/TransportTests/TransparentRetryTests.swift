import Logging
import Testing
import TernBytes
import TernCore
import TernEventLoop
import TernHTTP2
import TernWire
import TestSupport

@testable import TernTransport

/// How often a call that no server has looked at is sent again.
@Suite("Transparent retry", .timeLimit(.minutes(1)))
struct TransparentRetryTests {
  private let loop = EventLoopGroup(loopCount: 1).loops[0]

  /// A channel that notes which calls come back.
  private final class Owner: ClientConnectionOwner {
    var returned = 0
    func didBecomeReady(_ connection: ClientConnection) {}
    func hasRoom(_ connection: ClientConnection) {}
    func isDraining(_ connection: ClientConnection) {}
    func didClose(_ connection: ClientConnection, _ end: ConnectionEnd) {}
    func sendAgain(_ stream: ClientStream) { returned += 1 }
  }

  private static let head = RequestHeadBlock([
    FieldBlock([
      ":method": "POST", ":scheme": "http", ":path": "/a/b", ":authority": "c",
      "content-type": "application/grpc", "te": "trailers",
    ])
  ])

  private static func feed(
    _ frames: [Frame], to connection: ClientConnection, _ far: MemoryTransport
  )
    throws
  {
    _ = try unsafe frames.flatMap(\.encoded).withUnsafeBytes { try unsafe far.write($0) }
    connection.transportIsReadable()
  }

  /// Sends `stream` on a connection whose server goes away before, or after, it has left.
  private static func send(
    _ stream: ClientStream, on loop: EventLoop, owner: Owner, leaving leaves: Bool
  ) throws {
    let (near, far) = MemoryTransport.makePair()
    let connection = try ClientConnection(
      transport: near, loop: loop, limits: ConnectionLimits(), keepalive: nil, owner: owner,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    connection.start()
    try feed([.settings([:])], to: connection, far)
    #expect(connection.start(stream, head: head))
    if leaves { connection.flush() }
    try feed([.goAway(lastStreamID: 0)], to: connection, far)
    connection.flush()
    connection.closeNow("the test is over")
  }

  // Spec: W85 (A6: never left: unlimited)
  @Test("A call that never left is sent again each time")
  func neverLeft() async throws {
    let loop = loop
    try await loop.perform {
      let owner = Owner()
      let stream = ClientStream.unsent(on: loop)

      for _ in 0..<5 { try Self.send(stream, on: loop, owner: owner, leaving: false) }

      #expect(owner.returned == 5)
      #expect(!stream.isOver)
    }
  }

  // Spec: W85 (A6: not processed: once)
  @Test("A call that has left is sent again once, and those times do not count when it had not")
  func left() async throws {
    let loop = loop
    try await loop.perform {
      let owner = Owner()
      let stream = ClientStream.unsent(on: loop)

      try Self.send(stream, on: loop, owner: owner, leaving: false)
      try Self.send(stream, on: loop, owner: owner, leaving: true)
      #expect(owner.returned == 2)
      #expect(!stream.isOver)
      try Self.send(stream, on: loop, owner: owner, leaving: true)

      #expect(owner.returned == 2)
      #expect(stream.failure?.code == .unavailable)
    }
  }
}
