internal import Foundation
internal import InteropProtos
internal import Tern

extension CaseClient {
  /// Sizes that the cases with streams have in common.
  private static let requestSizes = [27_182, 8, 1_828, 45_904]
  private static let responseSizes = [31_415, 9, 2_653, 58_979]

  func clientStreaming() async throws {
    let requests = Self.requestSizes.map { bytes in
      Grpc_Testing_StreamingInputCallRequest.with { $0.payload.body = Data(count: bytes) }
    }
    let response = try await expectOK("StreamingInputCall") {
      try await stub.streamingInputCall(requests, options: options())
    }
    try expect("the size of all", response.aggregatedPayloadSize, is: 74_922)
  }

  func serverStreaming() async throws {
    let request = Grpc_Testing_StreamingOutputCallRequest.with { request in
      request.responseParameters = Self.responseSizes.map { bytes in
        .with { $0.size = Int32(bytes) }
      }
    }
    let sizes = try await expectOK("StreamingOutputCall") {
      var sizes: [Int] = []
      for try await response in stub.streamingOutputCall(request, options: options()) {
        sizes.append(response.payload.body.count)
      }
      return sizes
    }
    try expect("the sizes", sizes, is: Self.responseSizes)
  }

  func pingPong() async throws {
    try await expectOK("FullDuplexCall") {
      try await stub.fullDuplexCall(options: options()) { requests, responses in
        var answers = responses.makeAsyncIterator()
        for (asked, sent) in zip(Self.responseSizes, Self.requestSizes) {
          try await requests.send(duplexRequest(responseBytes: asked, bytes: sent))
          let response = try await answers.next()
          try expect("the size of a response", response?.payload.body.count, is: asked)
        }
        requests.finish()
        let last = try await answers.next()
        try expect("the response behind the last one", last, is: nil)
      }
    }
  }

  func emptyStream() async throws {
    let count = try await expectOK("FullDuplexCall") {
      var count = 0
      for try await _ in stub.fullDuplexCall([], options: options()) { count += 1 }
      return count
    }
    try expect("the count of responses", count, is: 0)
  }

  func duplexRequest(
    responseBytes: Int, bytes: Int
  ) -> Grpc_Testing_StreamingOutputCallRequest {
    .with { request in
      request.responseParameters = [.with { $0.size = Int32(responseBytes) }]
      request.payload.body = Data(count: bytes)
    }
  }
}
