import TernBytes
import TernCore
import TernEventLoop
import TernWire
import TestSupport

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
  static func unsent(
    on loop: EventLoop, _ kind: CallKind = .bidirectional, compression: CallCompression? = nil
  ) -> ClientStream {
    ClientStream(
      loop: loop,
      descriptor: MethodDescriptor(service: "tern.test.Echo", method: "Bidi", kind: kind),
      options: CallOptions(), maxRequestMessageBytes: .max, maxResponseMessageBytes: 4 << 20,
      compression: compression)
  }
}

extension ClientStream {
  /// A call whose server compresses, and has sent `bytes`.
  static func receiving(
    _ bytes: [UInt8], encoding: String, on loop: EventLoop,
    accepting algorithms: [CompressionAlgorithm] = CallCompression.standardAlgorithms
  ) -> ClientStream {
    let compression = CallCompression(
      algorithm: .identity, accepted: algorithms, minMessageBytes: 1)
    let stream = ClientStream.unsent(on: loop, compression: compression)
    for field in [HeaderField].response.with("grpc-encoding", encoding) {
      unsafe Array(field.name.utf8).withUnsafeBytes { name in
        unsafe field.value.withUnsafeBytes { value in
          unsafe stream.response.receive(name: name, value: value)
        }
      }
    }
    _ = stream.response.receiveFieldsEnd(endOfStream: false)
    stream.inbound.append(contentsOf: bytes)
    return stream
  }
}

/// A message behind its five-byte prefix.
func framed(_ payload: [UInt8]) -> [UInt8] {
  [0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: payload.count >> $0) } + payload
}
