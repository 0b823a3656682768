import TernBytes
import TernCore
import TernEventLoop

@testable import TernTransport

extension EventLoop {
  /// Runs `body` on the loop and returns what it returns.
  func perform<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      submit { continuation.resume(with: Swift.Result { try body() }) }
    }
  }
}

extension ClientStream {
  /// A call that was not sent.
  static func unsent(on loop: EventLoop, _ kind: CallKind = .bidirectional) -> ClientStream {
    ClientStream(
      loop: loop,
      descriptor: MethodDescriptor(service: "tern.test.Echo", method: "Bidi", kind: kind),
      options: CallOptions(), maxRequestMessageBytes: .max, maxResponseMessageBytes: 4 << 20)
  }
}

/// A message behind its five-byte prefix.
func framed(_ payload: [UInt8]) -> [UInt8] {
  [0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: payload.count >> $0) } + payload
}
