internal import InteropProtos
public import Tern

/// One case of gRPC's interoperability tests, as a client puts it to a server.
///
/// Source: <https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md>
public enum TestCase: String, CaseIterable, Sendable {
  case emptyUnary = "empty_unary"
  case largeUnary = "large_unary"
  case clientCompressedUnary = "client_compressed_unary"
  case serverCompressedUnary = "server_compressed_unary"
  case clientCompressedStreaming = "client_compressed_streaming"
  case serverCompressedStreaming = "server_compressed_streaming"

  /// The server did something else than the case expects.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// Puts the case to the server of `channel`.
  ///
  /// - Throws: ``Failure`` if the server fails it.
  public func run(on channel: GRPCChannel) async throws {
    let client = CaseClient(channel)
    switch self {
    case .emptyUnary: try await client.emptyUnary()
    case .largeUnary: try await client.largeUnary()
    case .clientCompressedUnary: try await client.clientCompressedUnary()
    case .serverCompressedUnary: try await client.serverCompressedUnary()
    case .clientCompressedStreaming: try await client.clientCompressedStreaming()
    case .serverCompressedStreaming: try await client.serverCompressedStreaming()
    }
  }
}

/// What the cases have in common: a stub, and how to say what went wrong.
struct CaseClient {
  let stub: Grpc_Testing_TestService.Client

  init(_ channel: GRPCChannel) { stub = Grpc_Testing_TestService.Client(channel) }

  /// So long a call may take. Only one that hangs gets there.
  func options(compresses: Bool = false) -> CallOptions {
    CallOptions(timeout: .seconds(60), compression: compresses ? .gzip : .identity)
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
  func expect(_ what: String, _ code: StatusCode, _ call: () async throws -> Void) async throws {
    do {
      try await call()
    } catch let error as RPCError {
      if error.code == code { return }
      throw TestCase.Failure(description: "\(what): expected \(code), saw \(error)")
    }
    throw TestCase.Failure(description: "\(what): expected \(code), saw OK")
  }
}
