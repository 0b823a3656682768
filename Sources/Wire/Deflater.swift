internal import CZlib
package import TernBytes

/// The two formats around the same compressed data.
package enum ZlibFormat: Sendable, Equatable {
  // Spec: W44 (compression: "deflate" is zlib's format)
  /// RFC 1952.
  case gzip
  /// RFC 1950, what gRPC and HTTP call `deflate`.
  case zlib

  /// The largest window, 32 KiB, which every peer's decompressor has to know; 16 more asks zlib for
  /// gzip's header.
  var windowBits: Int32 { self == .gzip ? 15 + 16 : 15 }
}

/// Where zlib gets its memory; `nil` is no memory.
package typealias ZlibAllocator =
  @convention(c) (UnsafeMutableRawPointer?, UInt32, UInt32) -> UnsafeMutableRawPointer?

/// Compresses messages with zlib. Its 260 KiB serve one message after another.
///
/// One thread at a time may use it.
@safe package final class Deflater: @unchecked Sendable {
  // `@unchecked Sendable` because it is handed from one user to the next.

  package let format: ZlibFormat
  package let level: Int32
  /// For whoever holds it: where the compressed form may go.
  package let output = ByteBuffer()
  // Has an address of its own, since zlib's state points back at it.
  private let stream: UnsafeMutablePointer<z_stream>

  /// zlib's own default: 256 KiB in all.
  private static let memoryLevel: Int32 = 8

  /// Whether zlib had memory for its state: only a lack of it makes it fail with these arguments.
  package let isUsable: Bool

  package convenience init(_ format: ZlibFormat, level: Int32) {
    unsafe self.init(format, level: level, allocator: nil)
  }

  /// - Parameter allocator: Of tests; `nil` is zlib's own.
  @unsafe package init(_ format: ZlibFormat, level: Int32, allocator: ZlibAllocator?) {
    self.format = format
    self.level = level
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    unsafe stream.pointee.zalloc = unsafe allocator
    let code = unsafe tern_deflate_init(stream, level, format.windowBits, Self.memoryLevel)
    isUsable = code == Z_OK
  }

  deinit {
    unsafe deflateEnd(stream)
    unsafe stream.deallocate()
  }

  // Spec: W45 (compression: a fresh context for each message)
  /// Adds the compressed form of a message to `output`.
  ///
  /// - Returns: `false` if it would not be shorter than the message, or there is no memory to find out;
  ///   `output` is then as it was.
  package func compress(_ message: UnsafeRawBufferPointer, into output: ByteBuffer) -> Bool {
    // zlib counts in 32 bits, and so does the prefix of a message.
    guard isUsable, message.count > 1, message.count <= Int(UInt32.max) else { return false }
    unsafe deflateReset(stream)
    let before = output.count
    // Room for what is shorter, and no more: zlib stops where it is full.
    let room = unsafe output.reserve(message.count - 1)
    // zlib's API is not const-correct here; it only reads.
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: message.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe stream.pointee.avail_in = UInt32(message.count)
    unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_out = UInt32(room.count)
    let isWhole = unsafe deflate(stream, Z_FINISH) == Z_STREAM_END
    let unused = unsafe Int(stream.pointee.avail_out)
    output.truncate(to: isWhole ? output.count - unused : before)
    return isWhole
  }
}
