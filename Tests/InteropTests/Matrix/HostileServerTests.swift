import Foundation
import Testing

import InteropHostile
import InteropProtos
import SwiftProtobuf
import TestSupport

/// The hostile server itself: that it does what its cases are about, and sees when a client does not.
@Suite("Hostile server", .timeLimit(.minutes(1)))
struct HostileServerTests {
  private static let responseBytes = 1000

  /// A call that asks for a response of 1000 bytes.
  private static func call(on streamID: Frame.StreamID = 1) throws -> [Step] {
    let request = Grpc_Testing_SimpleRequest.with {
      $0.responseSize = Int32(Self.responseBytes)
    }
    return [
      .headers(.request("/grpc.testing.TestService/UnaryCall"), on: streamID),
      .message(try request.serializedBytes(), on: streamID, endStream: true),
    ]
  }

  /// Plays a client that does what it should, and a script of its own.
  private func talk(
    _ hostileCase: HostileCase, _ steps: [Step]
  ) async throws -> (seen: Conversation, server: HostileServer) {
    let server = try HostileServer(hostileCase)
    return (try await play(to: server.port, [.preface, .otherSettings] + steps), server)
  }

  // Spec: W33 (RFC 9113, 6.1: padding)
  @Test("It pads five bytes with 255 more, and the message is whole")
  func padding() async throws {
    let (seen, server) = try await talk(.dataFramePadding, Self.call() + [.end()])

    let frames = seen.transcript.filter { $0.hasPrefix("<- 1 DATA") }
    #expect(frames.count == (Self.responseBytes + 5) / 5 + 2)
    #expect(frames.first == "<- 1 DATA 261")
    let message = try #require(seen[1].messages.first)
    let response = try Grpc_Testing_SimpleResponse(serializedBytes: message)
    #expect(response.payload.body == Data(count: Self.responseBytes))
    try await server.finish()
  }

  // Spec: W33 (RFC 9113, 6.9.1: padding takes from the windows)
  @Test("It stops where the window ends, padding included")
  func window() async throws {
    let opened: [Step] = [.send(.settings([.initialWindowSize: 1000])), .beImpolite]
    let (seen, _) = try await talk(
      .dataFramePadding,
      opened + Self.call() + [
        .wait(for: "three frames") { $0[1].body.count == 15 },
        .send(.ping()), .wait(for: "the answer") { !$0.answeredPings.isEmpty },
      ])

    // A fourth one of 261 bytes would be 1044.
    #expect(seen[1].body.count == 15)
  }

  @Test(
    "It resets behind the head, half of the message and all of it",
    arguments: [
      (HostileCase.resetAfterHeader, 0...0), (.resetDuringData, 400...600),
      (.resetAfterData, 1005...1100),
    ])
  func resets(hostileCase: HostileCase, bodyBytes: ClosedRange<Int>) async throws {
    let (seen, server) = try await talk(hostileCase, Self.call() + [.end()])

    #expect(seen[1].heads.count == 1)
    #expect(seen[1].resetCode == .noError)
    #expect(bodyBytes.contains(seen[1].body.count))
    try await server.finish()
  }

  @Test("It sends PINGs around head and data, and complains of a client that answers none")
  func pings() async throws {
    let (seen, server) = try await talk(.ping, Self.call() + [.end()])
    #expect(seen.pings.count == 3)
    try await server.finish()

    let strict = try HostileServer(.ping)
    _ = try await play(
      to: strict.port,
      [.preface, .otherSettings, .beImpolite] + Self.call() + [.messages(1), .close])
    await #expect(throws: ScriptedPeer.Complaint.self) { try await strict.finish() }
  }

  @Test("It complains of a second call beside the one that it allows")
  func maxStreams() async throws {
    let server = try HostileServer(.maxStreams)
    let seen = try await play(
      to: server.port,
      [.preface, .otherSettings] + Self.call(on: 3).prefix(1) + Self.call(on: 5)
        + [.otherClose])

    #expect(seen.settings[.maxConcurrentStreams] == 1)
    await #expect(throws: ScriptedPeer.Complaint.self) { try await server.finish() }
  }

  @Test("It complains of a call on a connection that had its GOAWAY, and of a missing second one")
  func goAway() async throws {
    let (seen, patient) = try await talk(.goAway, Self.call() + [.end()])
    #expect(seen.goAways.map(\.lastStreamID) == [1])
    await #expect(throws: HostileServer.Complaint.self) { try await patient.finish() }

    let strict = try HostileServer(.goAway)
    _ = try await play(
      to: strict.port,
      [.preface, .otherSettings] + Self.call() + [.end()] + Self.call(on: 3) + [.otherClose])
    await #expect(throws: ScriptedPeer.Complaint.self) { try await strict.finish() }
  }
}
