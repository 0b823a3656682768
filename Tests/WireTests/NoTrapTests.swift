import TernBytes
import TernCore
import TernWire
import TestSupport
import Testing

/// Nothing that a peer sends may trap. The generators are seeded: a failure comes back.
@Suite("Random input")
struct NoTrapTests {
  static let names = [
    ":method", ":path", ":scheme", ":authority", ":status", "host", "te", "content-type",
    "user-agent", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding", "grpc-status",
    "grpc-message", "grpc-status-details-bin", "grpc-previous-rpc-attempts", "connection", "grpc-",
    "a", "a-bin", "-bin", "",
  ]
  static let values = [
    "POST", "/s/m", "application/grpc", "200", "100", "0", "5", "99999999H", "AQI", "A,,=", "%C3%",
    "identity", "gzip", "-1", "",
  ]

  @Test("A request head never traps, and a refusal can always be sent")
  func requestHead() {
    var generator = SeededGenerator(seed: 1)
    let head = RequestHead()
    for _ in 0..<3_000 {
      for _ in 0..<Int.random(in: 0...8, using: &generator) {
        let name = name(using: &generator)
        let value = value(using: &generator)
        unsafe withBytes(of: name) { name in
          unsafe withBytes(of: value) { unsafe head.receive(name: name, value: $0) }
        }
      }

      switch head.verdict() {
      case .accepted: #expect(head.pathText.utf8.first == UInt8(ascii: "/"))
      case .refused(let refusal):
        #expect(!refusal.status.isOK)
        #expect(refusal.fields.lines.first == ":status: \(refusal.httpStatus)")
        #expect(refusal.fields.lines.allSatisfy { $0.utf8.allSatisfy { (0x20...0x7E) ~= $0 } })
      }
      #expect(head.metadata.count >= 0)
      _ = (head.authority, head.userAgent, head.encoding, head.acceptEncoding)
      _ = (head.contentSubtype, head.previousAttempts)
      if let timeout = head.timeoutNanoseconds { #expect(timeout >= 0) }
      if Bool.random(using: &generator) { head.removeAll() }
    }
  }

  @Test("A response state never traps, and its first status stays")
  func responseState() {
    var generator = SeededGenerator(seed: 2)
    let state = ResponseState()
    for _ in 0..<3_000 {
      state.removeAll()
      var first: StatusCode?
      for _ in 0..<Int.random(in: 0...20, using: &generator) {
        event(on: state, using: &generator)
        if let first { #expect(state.status?.code == first) }
        // Only an OK may still be taken back, when the last message turns out to be cut off.
        first = state.status.flatMap { $0.isOK ? nil : $0.code }
      }
      _ = (state.initialMetadata, state.trailingMetadata, state.encoding, state.origin)
    }
  }

  private func event(on state: ResponseState, using generator: inout SeededGenerator) {
    switch Int.random(in: 0...16, using: &generator) {
    case 0...9:
      let name = name(using: &generator)
      let value = value(using: &generator)
      unsafe withBytes(of: name) { name in
        unsafe withBytes(of: value) { unsafe state.receive(name: name, value: $0) }
      }
    case 10...12: _ = state.receiveFieldsEnd(endOfStream: Bool.random(using: &generator))
    case 13:
      let bytes = generator.bytes(atMost: 2_000)
      _ = unsafe withBytes(of: bytes) { unsafe state.receiveData($0) }
    case 14: _ = state.receiveData("")
    case 15:
      _ = state.receiveEndOfStream(unreadMessageBytes: Int.random(in: 0...2, using: &generator))
    default:
      state.receiveReset(
        code: UInt32.random(in: 0...20, using: &generator),
        isDeadlinePast: Bool.random(using: &generator))
    }
  }

  @Test("A timeout never traps, and is never negative")
  func timeoutText() {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<5_000 {
      let bytes = generator.bytes(atMost: 10, from: Array("0199HMSmunx-\0\u{FF}".utf8))
      if let nanoseconds = unsafe withBytes(of: bytes, { unsafe TimeoutText.parse($0) }) {
        #expect(nanoseconds >= 0)
      }
      #expect(TimeoutText.text(nanoseconds: Int64(bitPattern: generator.next())).utf8.count <= 9)
    }
  }

  private func name(using generator: inout SeededGenerator) -> [UInt8] {
    Int.random(in: 0...9, using: &generator) == 0
      ? generator.bytes(atMost: 30)
      : Array(Self.names.randomElement(using: &generator)!.utf8)
  }

  private func value(using generator: inout SeededGenerator) -> [UInt8] {
    Int.random(in: 0...4, using: &generator) == 0
      ? generator.bytes(atMost: 300)
      : Array(Self.values.randomElement(using: &generator)!.utf8)
  }
}
