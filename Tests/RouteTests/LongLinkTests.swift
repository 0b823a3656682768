import Foundation
import Testing

import Tern
import TestSupport

/// Calls over a link on which a byte is under way for long.
@Suite("Long link", .timeLimit(.minutes(2)))
struct LongLinkTests {
  private static let drain = ServerMethod.clientStreaming(Route.clientStream) { requests, _ in
    var bytes = 0
    for try await request in requests { bytes += request.count }
    return Array("\(bytes)".utf8)
  }

  private static let flood = ServerMethod.serverStreaming(Route.serverStream) {
    request, responses, _ in
    for _ in 0..<(Int(String(decoding: request, as: UTF8.self)) ?? 0) {
      try await responses.send(message)
    }
  }

  private static let message = [UInt8](repeating: 7, count: 64 << 10)
  private static let windowBytes = 256 << 10

  /// A client and a server with a link and a recorder between them.
  private func withLink<Result>(
    _ link: DelayingRelay.Link, _ body: (Route, RecordingRelay) async throws -> Result
  ) async throws -> Result {
    try await Route.run([Self.drain, Self.flood]) { direct in
      let recorder = try RecordingRelay(to: direct.port)
      let relay = try DelayingRelay(to: recorder.port, link)
      let channel = try GRPCChannel(relay.target, credentials: .insecure)
      defer { channel.close() }
      return try await body(
        Route(server: direct.server, channel: channel, port: relay.port), recorder)
    }
  }

  // Spec: W91 (the bandwidth-delay product decides)
  // Spec: W84 (RFC 9113, 5.2)
  @Test("An upload over a long link gets larger windows, and a few PINGs next to its DATA")
  func upload() async throws {
    let link = DelayingRelay.Link(delay: .milliseconds(10), bytesPerSecond: 100_000_000)
    try await withLink(link) { route, recorder in
      let count = 256

      let answer = try await route.clientStream(Array(repeating: Self.message, count: count))

      #expect(answer == Array("\(count * Self.message.count)".utf8))
      let server = try recorder.responses
      #expect((1...40).contains(server.pings.count), "\(server.pings.count) PINGs")
      // Of what the server took it has given back at least all but half a window.
      let allowed = Self.windowBytes + server.windowUpdates[1, default: 0]
      let sent = count * (Self.message.count + 5)
      #expect(allowed - sent > Self.windowBytes)
    }
  }

  // Spec: W91 (PINGs only next to data that needs larger windows)
  @Test("Three thousand small calls bring no PING")
  func smallCalls() async throws {
    try await Route.run([.echo]) { direct in
      let recorder = try RecordingRelay(to: direct.port)
      let channel = try GRPCChannel(recorder.target, credentials: .insecure)
      defer { channel.close() }
      let unary = UnaryCallable(channel, Route.unary)
      let request = [UInt8](repeating: 1, count: 16)

      try await withThrowingTaskGroup { calls in
        for _ in 0..<50 {
          calls.addTask { for _ in 0..<60 { _ = try await unary(request) } }
        }
        try await calls.waitForAll()
      }

      #expect(try recorder.requests.pings.isEmpty)
      #expect(try recorder.responses.pings.isEmpty)
    }
  }
}
