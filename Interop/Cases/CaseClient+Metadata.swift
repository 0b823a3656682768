internal import InteropProtos
internal import Tern

extension CaseClient {
  func customMetadata() async throws {
    var options = options()
    options.metadata.append(EchoedMetadata.initial, "test_initial_metadata_value")
    options.metadata.append(EchoedMetadata.trailing, [0xAB, 0xAB, 0xAB])

    let response = try await expectOK("UnaryCall") {
      try await stub.unaryCall.withCall(request(), options: options)
    }
    try expectEchoes("UnaryCall", response.initialMetadata, response.trailingMetadata)

    try await expectOK("FullDuplexCall") {
      try await stub.fullDuplexCall(options: options) { requests, responses in
        try await requests.send(
          duplexRequest(responseBytes: Self.responseBytes, bytes: Self.requestBytes))
        requests.finish()
        for try await _ in responses {}
        try expectEchoes(
          "FullDuplexCall", try await responses.initialMetadata,
          try await responses.trailingMetadata)
      }
    }
  }

  private func expectEchoes(
    _ what: String, _ initial: Metadata, _ trailing: Metadata
  ) throws {
    try expect(
      "\(what), \(EchoedMetadata.initial)", initial[EchoedMetadata.initial],
      is: ["test_initial_metadata_value"])
    try expect(
      "\(what), \(EchoedMetadata.trailing)", trailing[bytes: EchoedMetadata.trailing],
      is: [[0xAB, 0xAB, 0xAB]])
  }
}

/// The fields that a server sends back: ahead of the messages, and behind them.
enum EchoedMetadata {
  static let initial = "x-grpc-test-echo-initial"
  static let trailing = "x-grpc-test-echo-trailing-bin"
}
