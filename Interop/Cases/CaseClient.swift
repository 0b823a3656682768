internal import InteropProtos
internal import Tern

/// What the cases have in common: a channel, its stub, and how to say what went wrong.
struct CaseClient: Sendable {
  let setup: CaseSetup
  let channel: GRPCChannel
  let stub: Grpc_Testing_TestService.Client

  init(_ setup: CaseSetup) throws {
    self.setup = setup
    channel = try setup.makeChannel()
    stub = Grpc_Testing_TestService.Client(channel)
  }

  /// - Parameter timeout: so long a call may take. Only one that hangs gets there.
  func options(timeout: Duration = .seconds(60), compresses: Bool = false) -> CallOptions {
    CallOptions(
      timeout: timeout, metadata: setup.metadata, compression: compresses ? .gzip : .identity)
  }

  func expect<Value: Equatable>(_ what: String, _ seen: Value, is wanted: Value) throws {
    if seen == wanted { return }
    throw TestCase.Failure(description: "\(what): expected \(wanted), saw \(seen)")
  }

  /// Runs a call that has to succeed.
  func expectOK<Result>(_ what: String, _ call: () async throws -> Result) async throws -> Result {
    do {
      return try await call()
    } catch let error as RPCError {
      throw TestCase.Failure(description: "\(what): expected OK, saw \(error)")
    }
  }

  /// Runs a call that has to fail with `code`.
  @discardableResult
  func expect(
    _ what: String, _ code: StatusCode, _ call: () async throws -> Void
  ) async throws -> RPCError {
    do {
      try await call()
    } catch let error as RPCError {
      if error.code == code { return error }
      throw TestCase.Failure(description: "\(what): expected \(code), saw \(error)")
    }
    throw TestCase.Failure(description: "\(what): expected \(code), saw OK")
  }
}
