import Testing
import TernBytes
import TernCore
import TernEventLoop
import TernHTTP2
import TernWire

@testable import TernTransport

@Suite("Watermarks", .timeLimit(.minutes(1)))
struct WatermarkTests {
  private let group = EventLoopGroup(loopCount: 1)

  /// Appends a message of `payloadBytes` on the stream's loop.
  private func send(_ payloadBytes: Int, to stream: ClientStream) async throws -> Bool {
    try await stream.loop.perform {
      let buffer = try stream.bufferForMessage()
      let offset = MessageFramer.begin(in: buffer)
      buffer.append(contentsOf: [UInt8](repeating: 7, count: payloadBytes))
      return try stream.commitMessage(in: buffer, at: offset)
    }
  }

  @Test("A writer has to wait from 64 KiB on")
  func high() async throws {
    let stream = ClientStream.unsent(on: group.loops[0])
    let prefix = MessageFramer.prefixBytes

    #expect(try await send((64 << 10) - prefix - 1 - prefix, to: stream) == false)
    #expect(try await send(0, to: stream) == false)
    #expect(try await send(0, to: stream))
  }

  @Test("It goes on below 16 KiB, and not before")
  func low() async throws {
    let loop = group.loops[0]
    let stream = ClientStream.unsent(on: loop)
    #expect(try await send(64 << 10, to: stream))

    let writer = Task {
      try await withTaskExecutorPreference(loop) { try await stream.waitForRoomOnLoop() }
    }
    while try await loop.perform({ !stream.hasWriterWaiters }) {}
    let isWaiting = try await loop.perform {
      stream.outbound.removeFirst(stream.outbound.count - (16 << 10))
      stream.resumeWaiters()
      return stream.hasWriterWaiters
    }
    #expect(isWaiting)
    let isStillWaiting = try await loop.perform {
      stream.outbound.removeFirst(1)
      stream.resumeWaiters()
      return stream.hasWriterWaiters
    }

    #expect(!isStillWaiting)
    try await writer.value
  }

  @Test("A writer that is cancelled while it waits throws")
  func cancelled() async throws {
    let loop = group.loops[0]
    let stream = ClientStream.unsent(on: loop)
    #expect(try await send(64 << 10, to: stream))

    let writer = Task {
      try await withTaskExecutorPreference(loop) { try await stream.waitForRoomOnLoop() }
    }
    while try await loop.perform({ !stream.hasWriterWaiters }) {}
    writer.cancel()

    await #expect(throws: CancellationError.self) { try await writer.value }
  }

  @Test("A call that failed tells a writer on another thread why")
  func failedCall() async throws {
    let stream = ClientStream.unsent(on: group.loops[0])
    try await stream.loop.perform {
      stream.cancel(Status(.notFound, "Gone."), origin: .peer)
    }

    let error = #expect(throws: RPCError.self) { try stream.bufferForMessage() }

    #expect(error?.code == .notFound)
  }
}

extension CallStream {
  @concurrent fileprivate func waitForRoomOnLoop() async throws { try await waitForRoom() }
}
