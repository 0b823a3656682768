import TernCore
import Testing

@Suite("Status")
struct StatusTests {
  @Test("The 17 codes have the protocol's numbers and names")
  func codes() {
    let names = [
      "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
      "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
      "UNAUTHENTICATED",
    ]
    let codes: [StatusCode] = [
      .ok, .cancelled, .unknown, .invalidArgument, .deadlineExceeded, .notFound, .alreadyExists,
      .permissionDenied, .resourceExhausted, .failedPrecondition, .aborted, .outOfRange,
      .unimplemented, .internal, .unavailable, .dataLoss, .unauthenticated,
    ]

    #expect(codes.map(\.rawValue) == Array(0...16))
    #expect(codes.map(\.description) == names)
    #expect(StatusCode.allCases == codes)
    #expect((0...16).map { StatusCode(rawValue: $0) } == codes)
  }

  @Test("A number without a name is no code", arguments: [-1, 17, 99, Int.max, Int.min])
  func noCode(number: Int) {
    #expect(StatusCode(rawValue: number) == nil)
  }

  @Test("A status prints its name, and its message if there is one")
  func printing() {
    #expect("\(Status(.notFound, "no user 7"))" == "NOT_FOUND: no user 7")
    #expect("\(Status(.aborted))" == "ABORTED")
  }

  @Test("OK is OK, with or without a message")
  func isOK() {
    #expect(Status.ok.isOK)
    #expect(Status(.ok, "fine").isOK)
    #expect(!Status(.unknown).isOK)
  }
}

@Suite("RPC error")
struct RPCErrorTests {
  @Test("An OK is no error")
  func noError() {
    #expect(RPCError(.ok) == nil)
    #expect(RPCError(Status(.ok, "fine")) == nil)
  }

  @Test("An error of a status keeps all of it, and came from the peer unless said otherwise")
  func ofStatus() throws {
    let status = Status(.notFound, "gone", detailsBytes: [1, 2])

    let error = try #require(RPCError(status, metadata: ["a": "b"]))

    #expect(error.status == status)
    #expect(error.metadata.first("a") == "b")
    #expect(error.origin == .peer)
    #expect(RPCError(status, origin: .library)?.origin == .library)
  }

  @Test("An error that a program makes is the caller's, and prints its cause")
  func ofProgram() {
    struct DiskFull: Error {}
    let error = RPCError(.internal, "cannot store", cause: DiskFull())

    #expect(error.origin == .caller)
    #expect("\(error)" == "INTERNAL: cannot store (cause: DiskFull())")
    #expect("\(RPCError(.aborted))" == "ABORTED")
  }
}
