internal import Synchronization
internal import TernBytes
package import TernCore
internal import TernWire

extension ClientStream {
  /// What the requests are compressed with.
  package var requestCompression: CompressionAlgorithm {
    options.compression ?? compression.algorithm
  }

  func noteCompression() {
    let isStandard = channelCompression == nil && hasPlainOptions
    compresses.store(!isStandard && !requestCompression.isIdentity, ordering: .releasing)
  }

  // Spec: W53 (compression: an algorithm that is not known here)
  /// Why the call must not be sent.
  package var compressionProblem: Status? {
    guard compresses.load(ordering: .acquiring) else { return nil }
    let algorithm = requestCompression
    let isKnown = compression.registry.algorithm(named: algorithm.name) != nil
    return isKnown ? nil : CompressionRules.unregisteredStatus(algorithm)
  }

  /// On the thread that waited for the call.
  func decompressedResponse(
    _ payload: UnsafeRawBufferPointer
  ) throws(RPCError) -> UnsafeRawBufferPointer {
    let output = ByteBuffer()
    do throws(RPCError) {
      try unsafe decompress(payload, into: output)
    } catch {
      throw RPCError(
        error.code, error.message, metadata: response.trailingMetadata, cause: error.cause,
        origin: .peer)
    }
    decompressed = output
    return unsafe output.readable
  }
}
