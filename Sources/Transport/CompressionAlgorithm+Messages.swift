internal import TernBytes
internal import TernCore
internal import TernWire

extension CompressionAlgorithm {
  /// Puts the compressed form in the place of the message that lies in `buffer` from `start` on.
  ///
  /// - Returns: `false` if it would not be shorter; the message then stays.
  func compress(in buffer: ByteBuffer, from start: Int) throws -> Bool {
    switch form {
    case .identity: false
    case .gzip(let level): Self.compress(.gzip, level: level, in: buffer, from: start)
    case .deflate(let level): Self.compress(.zlib, level: level, in: buffer, from: start)
    case .custom(let compress, _): try Self.compress(with: compress, in: buffer, from: start)
    }
  }

  private static func compress(
    _ format: ZlibFormat, level: Int32, in buffer: ByteBuffer, from start: Int
  ) -> Bool {
    let deflater = CodecPool.shared.takeDeflater(format, level: level)
    defer { CodecPool.shared.giveBack(deflater) }
    let message = unsafe buffer.slice(at: start, count: buffer.count - start)
    guard unsafe deflater.compress(message, into: deflater.output) else { return false }
    buffer.truncate(to: start)
    unsafe buffer.append(deflater.output.readable)
    return true
  }

  private static func compress(
    with compress: Compress, in buffer: ByteBuffer, from start: Int
  ) throws -> Bool {
    let output = ByteBuffer()
    let message = unsafe buffer.slice(at: start, count: buffer.count - start)
    try compress(unsafe message.bytes, output)
    guard output.count < message.count else { return false }
    buffer.truncate(to: start)
    unsafe buffer.append(output.readable)
    return true
  }

  // Spec: W39 (decompressed size: the limit of messages)
  // Spec: W49 (compression: what cannot be decompressed)
  /// Makes the message out of `bytes`, in `output`, which must be empty. From any thread.
  func decompress(
    _ bytes: UnsafeRawBufferPointer, into output: ByteBuffer, maxBytes: Int
  ) throws(RPCError) {
    var cause: (any Error)?
    do throws(DecompressionError) {
      switch form {
      case .identity: unsafe output.append(bytes)
      case .gzip: try unsafe Self.decompress(bytes, .gzip, into: output, maxBytes: maxBytes)
      case .deflate: try unsafe Self.decompress(bytes, .zlib, into: output, maxBytes: maxBytes)
      case .custom(_, let decompress):
        do {
          try decompress(unsafe bytes.bytes, output, maxBytes)
        } catch {
          // Its text may hold what the other side, which gets the status, must not see.
          cause = error
          throw .damaged("the algorithm's function refused them")
        }
      }
      if output.count > maxBytes { throw .tooLarge(limitBytes: maxBytes) }
    } catch {
      output.removeAll()
      let status = error.status(compressedBytes: bytes.count, encoding: name)
      throw RPCError(status.code, status.message, cause: cause, origin: .peer)
    }
  }

  private static func decompress(
    _ bytes: UnsafeRawBufferPointer, _ format: ZlibFormat, into output: ByteBuffer, maxBytes: Int
  ) throws(DecompressionError) {
    let inflater = CodecPool.shared.takeInflater(format)
    defer { CodecPool.shared.giveBack(inflater) }
    try unsafe inflater.decompress(bytes, into: output, maxBytes: maxBytes)
  }
}
