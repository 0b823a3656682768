internal import Foundation
internal import InteropProtos
internal import Tern

extension CaseClient {
  func clientCompressedStreaming() async throws {
    // Whether the server looks at the flag at all; if not, what follows would prove nothing.
    try await expect("plain though it says compressed", .invalidArgument) {
      _ = try await stub.streamingInputCall(options: options(compresses: true)) { requests in
        try await requests.send(request(bytes: 27_182, expectsCompressed: true), compress: false)
      }
    }
    let response = try await expectOK("StreamingInputCall") {
      try await stub.streamingInputCall(options: options(compresses: true)) { requests in
        try await requests.send(request(bytes: 27_182, expectsCompressed: true))
        try await requests.send(request(bytes: 45_904, expectsCompressed: false), compress: false)
      }
    }
    try expect("the size of both", response.aggregatedPayloadSize, is: 73_086)
  }

  func serverCompressedStreaming() async throws {
    let wanted = [(bytes: 31_415, isCompressed: true), (bytes: 92_653, isCompressed: false)]
    let request = Grpc_Testing_StreamingOutputCallRequest.with { request in
      request.responseParameters = wanted.map { bytes, isCompressed in
        .with { parameters in
          parameters.size = Int32(bytes)
          parameters.compressed = .with { $0.value = isCompressed }
        }
      }
    }
    let responses = stub.streamingOutputCall(request, options: options())
    var sizes: [Int] = []
    var flags: [Bool] = []
    var compressedCount = 0
    try await expectOK("StreamingOutputCall") {
      for try await response in responses {
        sizes.append(response.payload.body.count)
        flags.append(responses.compressedResponseCount > compressedCount)
        compressedCount = responses.compressedResponseCount
      }
    }
    try expect("the sizes", sizes, is: wanted.map(\.bytes))
    try expect("whether they are compressed", flags, is: wanted.map(\.isCompressed))
  }

  private func request(
    bytes: Int, expectsCompressed: Bool
  ) -> Grpc_Testing_StreamingInputCallRequest {
    .with { request in
      request.payload.body = Data(count: bytes)
      request.expectCompressed = .with { $0.value = expectsCompressed }
    }
  }
}
