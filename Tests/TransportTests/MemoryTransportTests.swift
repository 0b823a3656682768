import Testing
import TernEventLoop

@testable import TernTransport

@Suite("Memory transport", .timeLimit(.minutes(1)))
struct MemoryTransportTests {
  private let group = EventLoopGroup(loopCount: 1)

  private func write(_ bytes: [UInt8], to transport: MemoryTransport) throws -> Int {
    try unsafe bytes.withUnsafeBytes { try unsafe transport.write($0) }
  }

  private func read(_ count: Int, from transport: MemoryTransport) throws -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: count)
    let result = try unsafe buffer.withUnsafeMutableBytes { try unsafe transport.read(into: $0) }
    return switch result {
    case .bytes(let count): Array(buffer[..<count])
    case .wouldBlock: []
    case .endOfStream: nil
    }
  }

  @Test("What one half writes the other reads, in pieces of any size")
  func bytes() throws {
    let (near, far) = MemoryTransport.makePair()

    #expect(try write([1, 2, 3], to: near) == 3)
    #expect(try write([4], to: near) == 1)

    #expect(try read(2, from: far) == [1, 2])
    #expect(try read(9, from: far) == [3, 4])
    #expect(try read(9, from: far) == [])
    #expect(try read(9, from: near) == [])
  }

  @Test("A full pipe takes no more, until the other half has read")
  func backPressure() throws {
    let (near, far) = MemoryTransport.makePair(capacityBytes: 4)

    #expect(try write([1, 2, 3, 4, 5, 6], to: near) == 4)
    #expect(try write([5, 6], to: near) == 0)
    #expect(try read(1, from: far) == [1])
    #expect(try write([5, 6], to: near) == 1)
    #expect(try read(9, from: far) == [2, 3, 4, 5])
  }

  @Test("Who was refused is told when there is room")
  func room() async throws {
    let (near, far) = MemoryTransport.makePair(capacityBytes: 4)
    let receiver = CountingReceiver()
    let loop = group.loops[0]

    let (first, second) = try await loop.perform {
      try near.open(on: loop, receiver: receiver)
      _ = try write([1, 2, 3, 4, 5], to: near)
      return (receiver.writable, try read(4, from: far))
    }
    // The report was submitted by the read, before this.
    let afterwards = try await loop.perform { receiver.writable }

    #expect(first == 0)
    #expect(second == [1, 2, 3, 4])
    #expect(afterwards == 1)
    near.close()
  }

  @Test("A half that closes ends both directions, behind what it wrote")
  func close() throws {
    let (near, far) = MemoryTransport.makePair()
    _ = try write([1], to: near)

    near.close()

    #expect(try read(9, from: far) == [1])
    #expect(try read(9, from: far) == nil)
    #expect(throws: TransportError.self) { try write([2], to: far) }
    #expect(throws: TransportError.self) { try write([2], to: near) }
  }

  @Test("A half that is opened late is told of what came before")
  func lateOpen() async throws {
    let (near, far) = MemoryTransport.makePair()
    let receiver = CountingReceiver()
    let loop = group.loops[0]
    _ = try write([1], to: far)

    try await loop.perform { try near.open(on: loop, receiver: receiver) }

    #expect(try await loop.perform { receiver.readable } == 1)
    near.close()
  }
}

/// `@unchecked Sendable` because only the loop touches it.
private final class CountingReceiver: TransportReceiver, @unchecked Sendable {
  private(set) var readable = 0
  private(set) var writable = 0

  func transportIsReadable() { readable += 1 }
  func transportIsWritable() { writable += 1 }
}
