import SwiftProtobuf
import Testing

import Tern
import TernErrorDetails

// Spec: W58 (PROTOCOL-HTTP2, Status-Details)
@Suite("Rich errors", .timeLimit(.minutes(1)))
struct RichErrorTests {
  private static let badRequest = BadRequest.with {
    $0.fieldViolations = [.with { $0.field = "user.name" }]
  }
  /// Of a type that is not among the usual ones.
  private static let ownDetail = Google_Protobuf_StringValue("ümlaut")
  private static let richError = RPCError(
    .invalidArgument, "100 % wrong: 日本語", details: [badRequest, ownDetail],
    metadata: ["a": "b"])

  /// The error with which `body` has to fail.
  private func failure(
    _ code: StatusCode, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
  ) async throws -> RPCError {
    try #require(
      await expectError(code, sourceLocation: sourceLocation, body),
      sourceLocation: sourceLocation)
  }

  private func expectRich(_ error: RPCError) throws {
    #expect(error.message == "100 % wrong: 日本語")
    #expect(error.origin == .peer)
    #expect(error.metadata["a"] == ["b"])
    #expect(error.detailsBytes == Self.richError.detailsBytes)
    #expect(try error.details(of: BadRequest.self) == [Self.badRequest])
    #expect(try error.details(of: Google_Protobuf_StringValue.self) == [Self.ownDetail])
    #expect(try error.standardDetails.count == 1)
  }

  @Test("What a handler throws is what the client reads, details and all")
  func unary() async throws {
    let fail = ServerMethod.unary(Route.unary) { _, _ in throw Self.richError }

    try await Route.run([fail]) { route in
      let error = try await failure(.invalidArgument) { _ = try await route.unary([]) }
      try expectRich(error)
    }
  }

  @Test("The same behind messages of a stream")
  func stream() async throws {
    let fail = ServerMethod.bidirectional(Route.bidi) { requests, responses, _ in
      for try await request in requests { try await responses.send(request) }
      throw Self.richError
    }

    try await Route.run([fail]) { route in
      var answers: [[UInt8]] = []
      let error = try await failure(.invalidArgument) {
        for try await answer in route.bidi([[1], [2]]) { answers.append(answer) }
      }
      try expectRich(error)
      #expect(answers == [[1], [2]])
    }
  }

  @Test("A handler may hand on the error of a call of its own: its details go along")
  func handedOn() async throws {
    let fail = ServerMethod.unary(Route.unary) { _, _ in throw Self.richError }

    try await Route.run([fail]) { inner in
      let ask = ServerMethod.unary(Route.unary) { request, _ in try await inner.unary(request) }
      try await Route.run([ask]) { outer in
        let error = try await failure(.invalidArgument) { _ = try await outer.unary([]) }
        #expect(try error.details(of: BadRequest.self) == [Self.badRequest])
      }
    }
  }

  @Test("Where details say another code and message, those of the trailers count")
  func disagreement() async throws {
    let bytes = Self.richError.detailsBytes
    let fail = ServerMethod.unary(Route.unary) { _, _ in
      throw RPCError(.notFound, "No such user.", detailsBytes: bytes)
    }

    try await Route.run([fail]) { route in
      let error = try await failure(.notFound) { _ = try await route.unary([]) }
      #expect(error.message == "No such user.")
      #expect(try error.details(of: BadRequest.self) == [Self.badRequest])
    }
  }

  @Test("Bytes that are no details leave the error as it is, until somebody reads them")
  func malformed() async throws {
    let fail = ServerMethod.unary(Route.unary) { _, _ in
      throw RPCError(.notFound, "No such user.", detailsBytes: [0xFF, 0xFF])
    }

    try await Route.run([fail]) { route in
      let error = try await failure(.notFound) { _ = try await route.unary([]) }
      #expect(error.message == "No such user.")
      let problem = try await failure(.internal) { _ = try error.standardDetails }
      #expect(problem.message.contains("2 bytes are not a 'google.rpc.Status'"))
    }
  }

  @Test("Details that are too long for trailers are left out, and the message says so")
  func tooLong() async throws {
    let long = Google_Protobuf_StringValue(String(repeating: "x", count: 8 << 10))
    let fail = ServerMethod.unary(Route.unary) { _, _ in
      throw RPCError(.aborted, "Too much.", details: [long])
    }

    try await Route.run([fail]) { route in
      let error = try await failure(.aborted) { _ = try await route.unary([]) }
      #expect(error.message.hasSuffix(" left out: too long for trailers) Too much."))
      #expect(try error.details.isEmpty)
    }
  }
}
