import Foundation
import Testing

import Tern
import TestSupport

/// Clients that go away in the middle of a call: its handler hears of it at once.
@Suite("Vanishing clients", .timeLimit(.minutes(1)))
struct VanishingTests {
  private static let paths = [Echo.hang, Echo.hangStream].map(\.descriptor.path)

  // swift-format-ignore
  static let ends: [(name: String, steps: [Step])] = [
    // Spec: W73 (PROTOCOL-HTTP2, Errors: CANCEL)
    ("resets its stream",                [.reset(.cancel)]),
    ("resets its stream, oddly",         [.reset(ErrorCode(0xFFFF))]),
    ("resets its stream without error",  [.reset(.noError)]),
    // Spec: W81 (connection loss)
    ("closes its connection",            [.close]),
    ("is gone without a word",           [.vanish]),
    ("breaks the protocol",              [.send(Frame(.settings, [0]))]),
    ("says GOAWAY and closes",           [.goAway(lastStreamID: 0), .close]),
  ]

  @Test(
    "A handler is cancelled when its client goes", arguments: Self.ends.indices, Self.paths)
  func handlerIsCancelled(end: Int, path: String) async throws {
    let key = UUID().uuidString

    try await withServer { port in
      // Ends when the script does, and closes the connection if that has not been done.
      let started = Gate()
      async let client = play(
        to: port,
        [.preface, .headers(.request(path)), .message([UInt8](key), endStream: true)]
          + [.otherSettings, .hold(until: started)] + Self.ends[end].steps)
      defer { started.open() }
      let first = try await reach("started \(key)", port: port)
      started.open()
      _ = try await client
      let second = try await reach("cancelled \(key)", port: port)

      #expect(first[1].grpcStatus == 0, report(first))
      #expect(second[1].grpcStatus == 0, "\(Self.ends[end].name)")
    }
  }

  @Test("A client that goes before its message is whole starts no handler")
  func halfMessage() async throws {
    try await withServer { port in
      let path = Echo.hang.descriptor.path
      _ = try await play(
        to: port,
        [.preface, .headers(.request(path)), .data(prefixed([1, 2, 3]).dropLast()), .vanish])
      let other = try await reach("nothing", port: port, timeout: "1m")

      #expect(other[1].grpcStatus == StatusCode.deadlineExceeded.rawValue)
    }
  }

  private func reach(
    _ milestone: String, port: Int, timeout: String = "30S"
  ) async throws -> Conversation {
    let head: [HeaderField] = .request(Echo.reach.descriptor.path).with("grpc-timeout", timeout)
    return try await play(
      to: port,
      [.preface, .headers(head), .message([UInt8](milestone), endStream: true), .end(of: 1)])
  }
}
