internal import Foundation
internal import InteropProtos
internal import Tern

extension CaseClient {
  static let requestBytes = 271_828
  static let responseBytes = 314_159

  func emptyUnary() async throws {
    let response = try await expectOK("EmptyCall") {
      try await stub.emptyCall(Grpc_Testing_Empty(), options: options())
    }
    try expect("the response", response, is: Grpc_Testing_Empty())
  }

  func largeUnary() async throws { try await call(request()) }

  func clientCompressedUnary() async throws {
    // Whether the server looks at the flag at all; if not, what follows would prove nothing.
    try await expect("plain though it says compressed", .invalidArgument) {
      _ = try await stub.unaryCall(request(expectsCompressed: true), options: options())
    }
    for isCompressed in [true, false] {
      try await call(request(expectsCompressed: isCompressed), compresses: isCompressed)
    }
  }

  func serverCompressedUnary() async throws {
    for isCompressed in [true, false] {
      var request = request()
      request.responseCompressed = .with { $0.value = isCompressed }
      let response = try await call(request)
      try expect("whether the response is compressed", response.wasCompressed, is: isCompressed)
    }
  }

  func request(expectsCompressed: Bool? = nil) -> Grpc_Testing_SimpleRequest {
    .with { request in
      request.responseSize = Int32(Self.responseBytes)
      request.payload.body = Data(count: Self.requestBytes)
      if let expectsCompressed {
        request.expectCompressed = .with { $0.value = expectsCompressed }
      }
    }
  }

  /// Makes a call whose response has to be the large one.
  @discardableResult
  func call(
    _ request: Grpc_Testing_SimpleRequest, timeout: Duration = .seconds(60),
    compresses: Bool = false
  ) async throws -> CallResponse<Grpc_Testing_SimpleResponse> {
    let response = try await expectOK("UnaryCall") {
      try await stub.unaryCall.withCall(
        request, options: options(timeout: timeout, compresses: compresses))
    }
    let isAsWanted = response.message.payload.body == Data(count: Self.responseBytes)
    try expect("whether the body is \(Self.responseBytes) zeros", isAsWanted, is: true)
    return response
  }
}
