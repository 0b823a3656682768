internal import Synchronization
internal import TernBytes
internal import TernCore
internal import TernEventLoop
internal import TernWire

extension CallStream {
  // MARK: Sending

  /// Completes the prefix of a message that was encoded into `buffer` behind `offset`. From any
  /// thread.
  ///
  /// - Parameter mayCompress: `false` if whoever sends it wants it plain.
  @inline(__always)
  final func endMessage(
    in buffer: ByteBuffer, at offset: Int, mayCompress: Bool
  ) throws(RPCError) {
    let isCompressed =
      mayCompress && compresses.load(ordering: .acquiring)
      ? try compressMessage(in: buffer, at: offset) : false
    do throws(FramingError) {
      try MessageFramer.end(
        in: buffer, at: offset, isCompressed: isCompressed, maxPayloadBytes: maxOutboundMessageBytes
      )
    } catch {
      throw RPCError(error.status.code, error.status.message, origin: .library)
    }
  }

  // Spec: W52 (compression: what is too short goes plain)
  /// - Returns: Whether the message is compressed now. One that is too short, or that would not
  ///   become shorter, stays as it is.
  private func compressMessage(in buffer: ByteBuffer, at offset: Int) throws(RPCError) -> Bool {
    let start = offset + MessageFramer.prefixBytes
    let payloadBytes = buffer.count - start
    // One that is too large is refused for its own length: what may be sent should not depend on how
    // well it can be compressed.
    guard payloadBytes >= compression.minMessageBytes, payloadBytes <= maxOutboundMessageBytes,
      let algorithm = algorithmForMessage()
    else { return false }
    do {
      return try algorithm.compress(in: buffer, from: start)
    } catch {
      buffer.truncate(to: offset)
      throw RPCError(
        .internal, "A message could not be compressed with '\(algorithm.name)'.", cause: error,
        origin: .caller)
    }
  }

  // MARK: Receiving

  /// Whether compressed messages of the peer can be decoded. On the loop, or after the call.
  final var canDecompress: Bool {
    if inboundAlgorithm == nil {
      inboundAlgorithm = compression.registry.algorithm(named: encoding)
    }
    return inboundAlgorithm != nil
  }

  /// Makes a message out of its compressed form, once `canDecompress` has said so. From any thread.
  final func decompress(
    _ bytes: UnsafeRawBufferPointer, into output: ByteBuffer
  ) throws(RPCError) {
    guard let algorithm = inboundAlgorithm else {
      let status = statusOfCompressedMessage()
      throw RPCError(status.code, status.message, origin: .peer)
    }
    try unsafe algorithm.decompress(bytes, into: output, maxBytes: maxInboundMessageBytes)
    decompressedMessages.wrappingAdd(1, ordering: .relaxed)
  }

  /// How many of the messages that were read had come compressed. From any thread.
  ///
  /// A count, since one kept for each message would cost those that come plain.
  package final var decompressedMessageCount: Int { decompressedMessages.load(ordering: .relaxed) }

  /// Ends the call because of what a reader found in a message. From any thread.
  final func failByReader(_ error: RPCError) {
    if loop.isCurrent {
      _ = fail(with: error.status)
    } else {
      loop.submit { [self] in _ = fail(with: error.status) }
    }
  }
}
