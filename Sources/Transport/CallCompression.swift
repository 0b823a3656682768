package import TernCore
internal import TernBytes
internal import TernHTTP2
internal import TernWire

/// What one side of calls compresses with and can decode: made once for a channel, or for a method of
/// a server.
package final class CallCompression: Sendable {
  /// Messages go out plain; those of the other side may be compressed with what is built in.
  package static let standard = CallCompression(
    algorithm: .identity, accepted: standardAlgorithms, minMessageBytes: standardMinMessageBytes)
  package static let standardAlgorithms: [CompressionAlgorithm] = [.gzip, .deflate]
  /// What gzip saves of a shorter message is less than what a packet costs anyway, and costs as much
  /// as with a long one.
  package static let standardMinMessageBytes = 256

  package let algorithm: CompressionAlgorithm
  let registry: CompressionRegistry
  let minMessageBytes: Int

  package init(
    algorithm: CompressionAlgorithm, accepted: [CompressionAlgorithm], minMessageBytes: Int
  ) {
    self.algorithm = algorithm
    registry = CompressionRegistry(accepted)
    // Spec: W52 (compression: messages of length zero go plain)
    self.minMessageBytes = max(1, minMessageBytes)
  }

  package var acceptedEncodings: String { registry.acceptedEncodings }

  /// Whether it is what channels have that were told nothing of compression.
  package var isStandard: Bool {
    algorithm.isIdentity && minMessageBytes == Self.standardMinMessageBytes
      && registry.hasExactly(Self.standardAlgorithms)
  }
}

/// The same for a server, with its part of the responses' heads.
package final class ServerCompression: Sendable {
  let call: CallCompression
  private let plain: Head
  private let compressed: Head

  private struct Head: Sendable {
    let fields: FieldBlock
    /// The whole head of a response without metadata.
    let block: HeaderBlock

    init(_ fields: FieldBlock) {
      self.fields = fields
      block = HeaderBlock([ResponseFields.head, fields])
    }
  }

  package init(_ call: CallCompression) {
    self.call = call
    let encodings = call.acceptedEncodings
    plain = Head(ResponseFields.compression(acceptedEncodings: encodings, encoding: nil))
    compressed = Head(
      ResponseFields.compression(acceptedEncodings: encodings, encoding: call.algorithm.name))
  }

  /// - Parameter algorithm: What messages may be compressed with; `nil` if none will be.
  func head(for algorithm: CompressionAlgorithm?) -> HeaderBlock {
    known(algorithm)?.block ?? Head(fields(for: algorithm)).block
  }

  func fields(for algorithm: CompressionAlgorithm?) -> FieldBlock {
    known(algorithm)?.fields
      ?? ResponseFields.compression(
        acceptedEncodings: call.acceptedEncodings, encoding: algorithm?.name)
  }

  private func known(_ algorithm: CompressionAlgorithm?) -> Head? {
    guard let algorithm else { return plain }
    return algorithm.isSame(as: call.algorithm) ? compressed : nil
  }
}
