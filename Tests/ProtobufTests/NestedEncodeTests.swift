import SwiftProtobuf
import TernBytes
import TernCore
import Testing

@testable import TernProtobuf

/// A hand-written message that encodes another one whenever SwiftProtobuf walks through it: while
/// it measures, before the destination is taken, and while it writes, after it.
private struct Nesting: SwiftProtobuf.Message, Hashable {
  static let protoMessageName = "test.Nesting"
  var unknownFields = UnknownStorage()
  var inner: Google_Protobuf_StringValue = "inner"

  var isInitialized: Bool {
    (try? MessageCodec.protobuf.encode(inner, ByteBuffer())) != nil
  }

  func traverse<V: SwiftProtobuf.Visitor>(visitor: inout V) throws {
    let buffer = ByteBuffer()
    try MessageCodec.protobuf.encode(inner, buffer)
    try visitor.visitSingularMessageField(value: inner, fieldNumber: 1)
    try visitor.visitSingularUInt32Field(value: UInt32(buffer.count), fieldNumber: 2)
  }

  mutating func decodeMessage<D: SwiftProtobuf.Decoder>(decoder: inout D) throws {}
  func isEqualTo(message: any SwiftProtobuf.Message) -> Bool { message as? Nesting == self }
}

/// Fails on its second walk, the one that writes: its bytes are reserved by then.
private struct FailingLate: SwiftProtobuf.Message, Hashable {
  final class Walks: Hashable, @unchecked Sendable {
    // `@unchecked Sendable` because only one test's thread uses it.
    var count = 0
    static func == (left: Walks, right: Walks) -> Bool { left === right }
    func hash(into hasher: inout Hasher) {}
  }
  struct Failure: Error {}

  static let protoMessageName = "test.FailingLate"
  var unknownFields = UnknownStorage()
  var walks = Walks()

  func traverse<V: SwiftProtobuf.Visitor>(visitor: inout V) throws {
    walks.count += 1
    try visitor.visitSingularUInt32Field(value: 7, fieldNumber: 1)
    if walks.count == 2 { throw Failure() }
  }

  mutating func decodeMessage<D: SwiftProtobuf.Decoder>(decoder: inout D) throws {}
  func isEqualTo(message: any SwiftProtobuf.Message) -> Bool { message as? FailingLate == self }
}

@Suite("Encoding in place")
struct NestedEncodeTests {
  @Test("A message that encodes another one on the way lands in its own buffer")
  func nested() throws {
    let buffer = ByteBuffer()

    try MessageCodec.protobuf.encode(Nesting(), buffer)
    try MessageCodec.protobuf.encode("after" as Google_Protobuf_StringValue, buffer)

    let nesting: [UInt8] = [0x0A, 7, 0x0A, 5] + Array("inner".utf8) + [0x10, 7]
    #expect(buffer.bytes == nesting + [0x0A, 5] + Array("after".utf8))
  }

  @Test("A failure after the bytes were reserved cuts them off again")
  func lateFailure() throws {
    let buffer = ByteBuffer()
    buffer.append(contentsOf: [1, 2, 3])

    let error = try #require(throws: RPCError.self) {
      try MessageCodec.protobuf.encode(FailingLate(), buffer)
    }
    try MessageCodec.protobuf.encode("x" as Google_Protobuf_StringValue, buffer)

    #expect(error.cause is FailingLate.Failure)
    #expect(buffer.bytes == [1, 2, 3, 0x0A, 1, 0x78])
  }

  @Test("Threads do not see each other's buffers")
  func threads() async throws {
    let results = try await withThrowingTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          let message = Google_Protobuf_StringValue("message \(task)")
          let expected: [UInt8] = try message.serializedBytes()
          for _ in 0..<1_000 {
            let buffer = ByteBuffer()
            try MessageCodec.protobuf.encode(message, buffer)
            if buffer.bytes != expected { return false }
          }
          return true
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }

    #expect(results == Array(repeating: true, count: 8))
  }

  @Test("Bytes from a sequence are copied to the end of the buffer")
  func fromSequence() {
    let buffer = ByteBuffer()
    let outer = unsafe InPlaceBytes.setDestination(Unmanaged.passUnretained(buffer).toOpaque())
    defer { _ = unsafe InPlaceBytes.setDestination(outer) }

    let bytes = InPlaceBytes([1, 2, 3] as [UInt8])

    #expect(bytes.count == 3)
    #expect(unsafe bytes.withUnsafeBytes { unsafe Array($0) } == [1, 2, 3])
    #expect(buffer.bytes == [1, 2, 3])
  }
}
