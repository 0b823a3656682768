import Testing

import Tern

/// One thing that Tern's client does with a server of ``Echo`` and of the examples;
/// `Tests/Peers/cases.py` has the same cases, by the same names, for gRPC Python's client.
struct InteropCase: Sendable, CustomTestStringConvertible {
  let name: String
  let run: @Sendable (EchoClient) async throws -> Void

  init(_ name: String, _ run: @escaping @Sendable (EchoClient) async throws -> Void) {
    self.name = name
    self.run = run
  }

  var testDescription: String { name }

  static let all =
    unaryCases + serverStreamCases + clientStreamCases + bidiCases + metadataCases + errorCases
    + cancellationCases + deadlineCases + compressionCases + exampleCases
}

/// The methods of ``Echo`` on one channel.
struct EchoClient: Sendable {
  let channel: GRPCChannel

  var unary: UnaryCallable<[UInt8], [UInt8]> { UnaryCallable(channel, Echo.unary) }
  var serverStream: ServerStreamingCallable<[UInt8], [UInt8]> {
    ServerStreamingCallable(channel, Echo.serverStream)
  }
  var clientStream: ClientStreamingCallable<[UInt8], [UInt8]> {
    ClientStreamingCallable(channel, Echo.clientStream)
  }
  var bidi: BidirectionalCallable<[UInt8], [UInt8]> { BidirectionalCallable(channel, Echo.bidi) }
  var fail: UnaryCallable<[UInt8], [UInt8]> { UnaryCallable(channel, Echo.fail) }
  var failWithDetails: UnaryCallable<[UInt8], [UInt8]> {
    UnaryCallable(channel, Echo.failWithDetails)
  }
  var failEarly: BidirectionalCallable<[UInt8], [UInt8]> {
    BidirectionalCallable(channel, Echo.failEarly)
  }
  var hang: UnaryCallable<[UInt8], [UInt8]> { UnaryCallable(channel, Echo.hang) }
  var hangStream: ServerStreamingCallable<[UInt8], [UInt8]> {
    ServerStreamingCallable(channel, Echo.hangStream)
  }

  /// Waits until the server's handler has got there: `started KEY` or `cancelled KEY`.
  func reach(_ milestone: String) async throws {
    let reach = UnaryCallable(channel, Echo.reach)
    _ = try await reach([UInt8](milestone), options: CallOptions(timeout: .seconds(20)))
  }
}

extension AsyncSequence {
  func collected() async throws -> [Element] {
    var elements: [Element] = []
    for try await element in self { elements.append(element) }
    return elements
  }
}

/// Expects the call in `body` to fail with `code`.
@discardableResult
func expectError(
  _ code: StatusCode, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> Void
) async -> RPCError? {
  do {
    try await body()
    Issue.record("Expected \(code), but the call succeeded.", sourceLocation: sourceLocation)
  } catch let error as RPCError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    return error
  } catch {
    Issue.record("Expected \(code), but saw \(error).", sourceLocation: sourceLocation)
  }
  return nil
}
