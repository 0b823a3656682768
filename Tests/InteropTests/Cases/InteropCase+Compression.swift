import Testing

import Tern

extension InteropCase {
  // Spec: W44, W45 (compression: gzip and deflate)
  /// What travels is seen by a relay between both, in `CompressedFramesTests`.
  static let compressionCases = [
    unary("gzip", .gzip), streams("gzip", .gzip),
    unary("deflate", .deflate), streams("deflate", .deflate),
  ]

  static func options(_ name: String, _ algorithm: CompressionAlgorithm) -> CallOptions {
    CallOptions(metadata: ["compress-response": name], compression: algorithm)
  }

  private static func unary(_ name: String, _ algorithm: CompressionAlgorithm) -> InteropCase {
    let options = options(name, algorithm)
    let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0) }
    return InteropCase("\(name)_unary") { echo in
      for message in [[], [UInt8]("short"), [UInt8](repeating: 0, count: 271_828), bytes] {
        let answer = try await echo.unary(message, options: options)
        #expect(answer == message)
      }
    }
  }

  private static func streams(_ name: String, _ algorithm: CompressionAlgorithm) -> InteropCase {
    let options = options(name, algorithm)
    let requests = [
      [UInt8](repeating: 0, count: 27_182), [], [UInt8]("short"),
      [UInt8](repeating: 0, count: 45_904),
    ]
    return InteropCase("\(name)_streams") { echo in
      let answer = try await echo.clientStream(requests, options: options)
      #expect(answer.text == "73091 4")
      let messages = try await echo.serverStream([UInt8]("4 31415"), options: options).collected()
      #expect(messages.map(\.count) == [31_415, 31_415, 31_415, 31_415])
      let echoed = try await echo.bidi(requests, options: options).collected()
      #expect(echoed == requests)
    }
  }
}
