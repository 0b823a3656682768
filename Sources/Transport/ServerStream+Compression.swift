internal import Synchronization
internal import TernBytes
package import TernCore
internal import TernEventLoop
internal import TernWire

extension ServerStream {
  // MARK: The request

  /// Not before the handler begins: else the requests of all calls of a turn would be unpacked at
  /// once.
  func decompressRequest() throws(RPCError) {
    guard let scratch = pool?.scratch else { return }
    let prefix = MessageFramer.prefixBytes
    let payload = unsafe inbound.slice(at: prefix, count: inbound.count - prefix)
    try unsafe decompress(payload, into: scratch)
    inbound.swap(with: scratch)
    scratch.removeAll()
    requestForm = .decompressed
  }

  // MARK: The head of the response

  // Spec: W44 (compression: grpc-accept-encoding)
  // Spec: W46, W50 (compression: what the server can decode stands in this response)
  /// What the head says of compression: nothing to a client that says nothing.
  var compressionOfHead: ServerCompression? {
    head.mentionsCompression ? handler?.compression : nil
  }

  /// What the head promises. On the loop, where it changes as well.
  var algorithmOfHead: CompressionAlgorithm? {
    compresses.load(ordering: .acquiring) ? currentAlgorithm : nil
  }

  private var currentAlgorithm: CompressionAlgorithm? {
    metadataLock.lock()
    defer { metadataLock.unlock() }
    return responseAlgorithm
  }

  // MARK: Choosing

  /// As the server's options say.
  func beginCompressing(with compression: ServerCompression) {
    choose(compression.call.algorithm)
  }

  // Spec: W51 (compression: with nothing that the client does not accept)
  private func choose(_ algorithm: CompressionAlgorithm) {
    let isUsable = !algorithm.isIdentity && head.accepts(algorithm)
    responseAlgorithm = isUsable ? algorithm : nil
    compresses.store(isUsable, ordering: .releasing)
  }

  /// What messages of the response are compressed with. From any thread.
  package var responseCompression: CompressionAlgorithm { currentAlgorithm ?? .identity }

  /// Chooses something else, as far as the client accepts it. From any thread.
  ///
  /// It happens on the loop, where the head is sent: so what the head says is what is done.
  package nonisolated(nonsending) func setResponseCompression(
    _ algorithm: CompressionAlgorithm
  ) async throws {
    if loop.isCurrent { return try setResponseCompressionOnLoop(algorithm) }
    try await withTaskExecutorPreference(loop) { try await hopAndSet(algorithm) }
  }

  @concurrent private func hopAndSet(_ algorithm: CompressionAlgorithm) async throws {
    try setResponseCompressionOnLoop(algorithm)
  }

  private func setResponseCompressionOnLoop(_ algorithm: CompressionAlgorithm) throws(RPCError) {
    if isOver { throw overError }
    metadataLock.lock()
    defer { metadataLock.unlock() }
    if hasSentHead || isResponseAlgorithmUsed {
      throw RPCError(
        .internal,
        "The response has begun, so its compression cannot change any more. Set it before the first "
          + "message and the initial metadata, or send single messages with compress: false.",
        origin: .caller)
    }
    choose(algorithm)
  }
}
