internal import CNghttp2
package import TernBytes

/// A list of header fields in the form in which nghttp2 takes them; made once, sent often.
@safe package final class HeaderBlock: @unchecked Sendable {
  // `@unchecked Sendable` because nothing changes it after `init`.
  let fields: UnsafeMutablePointer<nghttp2_nv>
  let count: Int
  /// Own the bytes that `fields` points to. nghttp2 does not copy them; whoever submits a block
  /// keeps it until the stream is closed.
  private let blocks: [FieldBlock]

  /// The fields of all blocks, in order. The blocks must not change any more.
  package init(_ blocks: [FieldBlock]) {
    self.blocks = blocks
    count = blocks.reduce(0) { $0 + $1.count }
    listBytes = blocks.reduce(0) { $0 + $1.byteCount + 32 * $1.count }
    unsafe fields = .allocate(capacity: max(count, 1))
    let flags = UInt8(
      NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
    var index = 0
    for block in blocks {
      for field in 0..<block.count {
        let name = unsafe block.name(at: field)
        let value = unsafe block.value(at: field)
        unsafe fields[index] = nghttp2_nv(
          name: Self.start(name), value: Self.start(value),
          namelen: name.count, valuelen: value.count, flags: flags)
        index += 1
      }
    }
  }

  package convenience init(_ block: FieldBlock) { self.init([block]) }

  deinit { unsafe fields.deallocate() }

  /// The size as HTTP/2 counts it.
  package let listBytes: Int

  /// nghttp2's API is not const-correct here; it only reads.
  private static func start(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutablePointer<UInt8>? {
    unsafe UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
  }
}
