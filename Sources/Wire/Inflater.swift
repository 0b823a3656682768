internal import CZlib
package import TernBytes

/// Decompresses messages with zlib. Its 40 KiB serve one message after another.
///
/// One thread at a time may use it.
@safe package final class Inflater: @unchecked Sendable {
  // `@unchecked Sendable` because it is handed from one user to the next.

  package let format: ZlibFormat
  // Has an address of its own, since zlib's state points back at it.
  private let stream: UnsafeMutablePointer<z_stream>

  /// The first piece of the output; the next ones are as long as what is there already.
  private static let firstPieceBytes = 4 << 10
  private static let maxPieceBytes = 1 << 20

  /// Whether zlib had memory for its state: only a lack of it makes it fail with these arguments.
  package let isUsable: Bool

  package convenience init(_ format: ZlibFormat) { unsafe self.init(format, allocator: nil) }

  /// - Parameter allocator: Of tests; `nil` is zlib's own.
  @unsafe package init(_ format: ZlibFormat, allocator: ZlibAllocator?) {
    self.format = format
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    unsafe stream.pointee.zalloc = unsafe allocator
    isUsable = unsafe tern_inflate_init(stream, format.windowBits) == Z_OK
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  // Spec: W39 (decompressed size: at most limit + 1 bytes, then stop)
  // Spec: W45 (compression: a fresh context for each message)
  // Spec: W49 (compression: what cannot be decompressed)
  /// Adds the message to `output`, which grows with what is there, whatever `bytes` promise.
  ///
  /// The bytes have to be one whole stream and nothing else. A file of gzip's may be several, one
  /// after the other; a message is one.
  package func decompress(
    _ bytes: UnsafeRawBufferPointer, into output: ByteBuffer, maxBytes: Int
  ) throws(DecompressionError) {
    guard isUsable else { throw .noMemory }
    guard bytes.count <= Int(UInt32.max) else { throw .damaged("they are longer than 4 GiB") }
    unsafe inflateReset(stream)
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe stream.pointee.avail_in = UInt32(bytes.count)
    var producedBytes = 0
    while true {
      let roomBytes = maxBytes - producedBytes
      let pieceBytes = min(max(producedBytes, Self.firstPieceBytes), Self.maxPieceBytes, roomBytes)
      let (code, addedBytes) = roomBytes > 0 ? inflate(pieceBytes, into: output) : probe()
      producedBytes += addedBytes
      if producedBytes > maxBytes { throw .tooLarge(limitBytes: maxBytes) }
      if code == Z_STREAM_END { break }
      if code == Z_MEM_ERROR { throw .noMemory }
      if let reason = reasonToStop(code) { throw .damaged(reason) }
    }
    let restBytes = unsafe stream.pointee.avail_in
    if restBytes > 0 { throw .damaged("\(restBytes) bytes follow their end") }
  }

  private func inflate(_ count: Int, into output: ByteBuffer) -> (code: Int32, bytes: Int) {
    let piece = unsafe output.reserve(count)
    let (code, addedBytes) = unsafe inflate(into: piece)
    output.truncate(to: output.count - (count - addedBytes))
    return (code, addedBytes)
  }

  /// The output is as long as it may be: one byte more shows that there is too much. Not in the
  /// output, which would double its memory for it.
  private func probe() -> (code: Int32, bytes: Int) {
    unsafe withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { unsafe inflate(into: $0) }
  }

  private func inflate(into piece: UnsafeMutableRawBufferPointer) -> (code: Int32, bytes: Int) {
    unsafe stream.pointee.next_out = piece.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_out = UInt32(piece.count)
    let code = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
    return unsafe (code, piece.count - Int(stream.pointee.avail_out))
  }

  /// - Returns: `nil` if there is more to come.
  private func reasonToStop(_ code: Int32) -> String? {
    switch code {
    // Where room is left, it has used all of the input. Where none is left it may have more output,
    // and says in the next round if it has not.
    case Z_OK: unsafe stream.pointee.avail_out == 0 ? nil : "they are cut off"
    case Z_BUF_ERROR: "they are cut off"
    case Z_NEED_DICT: "they need a dictionary"
    default: unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "zlib's code \(code)"
    }
  }
}
