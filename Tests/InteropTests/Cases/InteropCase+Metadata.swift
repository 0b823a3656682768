import Testing

import Tern

extension InteropCase {
  // Spec: W22, W24, W26 (PROTOCOL-HTTP2, Custom-Metadata)
  static let metadataCases = [
    metadataCase("metadata_ascii") { metadata in
      metadata.append("echo-a", "value")
      metadata.append("echo-b", "inner  blanks, and ~!@#$%^&*()")
    },
    metadataCase("metadata_bin") { metadata in
      metadata.append("echo-bytes-bin", Array(0...255))
      metadata.append("echo-empty-bin", [])
    },
    metadataCase("metadata_repeated") { metadata in
      for value in ["one", "two", "three"] { metadata.append("echo-r", value) }
      for value in [[0], [0xAB, 0xAB, 0xAB], [UInt8(ascii: ",")]] {
        metadata.append("echo-r-bin", value)
      }
    },
    metadataCase("metadata_large") { metadata in
      metadata.append("echo-large", String(repeating: "x", count: 2500))
    },
  ]

  /// Sends the metadata with a unary and with a bidirectional call, and expects it twice in each
  /// answer: ahead of the messages as it is, and behind them under another name.
  private static func metadataCase(
    _ name: String, _ fill: (inout Metadata) -> Void
  ) -> InteropCase {
    var metadata = Metadata()
    fill(&metadata)
    let options = CallOptions(metadata: metadata)
    let initial = metadata.renamed("echo-", to: "echo-")
    let trailing = metadata.renamed("echo-", to: "trailing-")

    return InteropCase(name) { echo in
      let call = try await echo.unary.withCall([], options: options)
      #expect(call.initialMetadata.renamed("echo-", to: "echo-") == initial)
      #expect(call.trailingMetadata.renamed("trailing-", to: "trailing-") == trailing)

      try await echo.bidi(options: options) { requests, responses in
        let seen = try await responses.initialMetadata
        #expect(seen.renamed("echo-", to: "echo-") == initial)
        try await requests.send([1])
        requests.finish()
        #expect(try await responses.collected() == [[1]])
        let last = try await responses.trailingMetadata
        #expect(last.renamed("trailing-", to: "trailing-") == trailing)
      }
    }
  }
}
