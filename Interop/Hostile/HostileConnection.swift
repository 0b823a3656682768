internal import Foundation
internal import InteropProtos
internal import SwiftProtobuf
internal import TestSupport

/// One connection of a ``HostileServer``.
struct HostileConnection {
  private let peer: ScriptedPeer
  private let testCase: HostileCase
  private var answered: Set<Frame.StreamID> = []
  private var pings: [[UInt8]] = []
  private var window = SendWindow()

  init(_ peer: ScriptedPeer, _ testCase: HostileCase) {
    self.peer = peer
    self.testCase = testCase
  }

  /// Answers calls until the client closes the connection.
  mutating func serve() throws {
    peer.sendAtOnce()
    try peer.readPreface()
    try peer.send(.settings(testCase == .maxStreams ? [.maxConcurrentStreams: 1] : [:]))
    while let streamID = try nextCall() {
      answered.insert(streamID)
      let request = try request(on: streamID)
      try answer(streamID, Self.message(bytes: Int(request.responseSize)))
    }
  }

  /// - Returns: the stream of a call whose request is whole; `nil` at the end of the connection.
  private func nextCall() throws -> Frame.StreamID? {
    func waiting(_ seen: Conversation) -> Frame.StreamID? {
      seen.streams.filter { $0.value.hasEnded && !answered.contains($0.key) }.keys.min()
    }
    try peer.wait(for: "a call, or the end") { $0.end != nil || waiting($0) != nil }
    return waiting(peer.seen)
  }

  private func request(on streamID: Frame.StreamID) throws -> Grpc_Testing_SimpleRequest {
    guard let message = peer.seen[streamID].messages.first else {
      throw peer.complaint("The call on \(streamID) has no request.")
    }
    let request = try Grpc_Testing_SimpleRequest(serializedBytes: message)
    guard (0...(4 << 20)).contains(request.responseSize) else {
      throw peer.complaint(
        "A response of \(request.responseSize) bytes is not what the case asks for.")
    }
    return request
  }

  private static func message(bytes: Int) throws -> [UInt8] {
    let response = Grpc_Testing_SimpleResponse.with { $0.payload.body = Data(count: bytes) }
    return prefixed(try response.serializedBytes())
  }

  private mutating func answer(_ streamID: Frame.StreamID, _ message: [UInt8]) throws {
    switch testCase {
    case .goAway:
      if answered.count > 1 { throw peer.complaint("A call on a connection that had its GOAWAY.") }
      try peer.send(.goAway(lastStreamID: streamID))
      try answerWhole(streamID, message)
    case .resetAfterHeader: try answerInPart(streamID, [])
    case .resetDuringData: try answerInPart(streamID, message.prefix(message.count / 2))
    case .resetAfterData: try answerInPart(streamID, message[...])
    case .ping: try answerWithPings(streamID, message)
    case .maxStreams:
      let others = peer.seen.streams.keys.filter { !answered.contains($0) }
      if !others.isEmpty {
        throw peer.complaint(
          "\(others.sorted()) are open beside \(streamID), though one is allowed.")
      }
      try answerWhole(streamID, message)
    case .dataFramePadding:
      try answerWhole(streamID, message, DataShape(contentBytes: 5, paddingBytes: 255))
    case .noDataFramePadding: try answerWhole(streamID, message, DataShape(contentBytes: 5))
    }
  }

  private mutating func answerWhole(
    _ streamID: Frame.StreamID, _ message: [UInt8], _ shape: DataShape = .usual
  ) throws {
    try peer.send(.headers(.response, on: streamID))
    try window.send(message[...], on: streamID, shape, by: peer)
    try peer.send(.headers(.trailers(0), on: streamID, endStream: true))
  }

  private mutating func answerInPart(
    _ streamID: Frame.StreamID, _ part: ArraySlice<UInt8>
  ) throws {
    try peer.send(.headers(.response, on: streamID))
    try window.send(part, on: streamID, .usual, by: peer)
    try peer.send(.reset(.noError, on: streamID))
  }

  private mutating func answerWithPings(
    _ streamID: Frame.StreamID, _ message: [UInt8]
  ) throws {
    try ping()
    try peer.send(.headers(.response, on: streamID))
    try ping()
    try window.send(message[...], on: streamID, .usual, by: peer)
    try ping()
    // Before the call is over: then the client may leave without a word.
    try peer.wait(for: "the answers to \(pings.count) PINGs") { seen in
      seen.answeredPings.count >= pings.count
    }
    if peer.seen.answeredPings != pings { throw peer.complaint("PINGs are answered wrongly.") }
    try peer.send(.headers(.trailers(0), on: streamID, endStream: true))
  }

  private mutating func ping() throws {
    let data = bigEndian(UInt64(pings.count + 1))
    pings.append(data)
    try peer.send(.ping(data))
  }
}
