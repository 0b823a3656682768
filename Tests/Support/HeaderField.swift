internal import CNghttp2

/// A name and a value of a header block.
package struct HeaderField: Sendable, Hashable, CustomStringConvertible {
  package var name: String
  package var value: [UInt8]

  package init(_ name: String, _ value: [UInt8]) {
    self.name = name
    self.value = value
  }

  package init(_ name: String, _ value: String) { self.init(name, Array(value.utf8)) }

  package var text: String { String(decoding: value, as: UTF8.self) }
  package var description: String { "\(name): \(text)" }

  /// A header block in HPACK's plainest form: each field literal, not indexed, no Huffman code. So
  /// it needs no state, and any bytes can be put into it.
  ///
  /// Source: RFC 7541, section 6.2.2
  package static func encode(_ fields: [HeaderField]) -> [UInt8] {
    fields.flatMap { [0] + string(Array($0.name.utf8)) + string($0.value) }
  }

  /// A length of seven bits, and more where needed (RFC 7541, section 5.1), and the bytes.
  private static func string(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count >= 0x7F else { return [UInt8(bytes.count)] + bytes }
    var length: [UInt8] = [0x7F]
    var rest = bytes.count - 0x7F
    while rest >= 0x80 {
      length.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return length + [UInt8(rest)] + bytes
  }
}

extension [HeaderField] {
  /// The head of a gRPC call that nothing is wrong with.
  package static func request(_ path: String, authority: String = "localhost") -> [HeaderField] {
    [
      HeaderField(":method", "POST"), HeaderField(":scheme", "http"), HeaderField(":path", path),
      HeaderField(":authority", authority), HeaderField("te", "trailers"),
      HeaderField("content-type", "application/grpc"),
    ]
  }

  /// The head of a gRPC answer that nothing is wrong with.
  package static let response = [
    HeaderField(":status", "200"), HeaderField("content-type", "application/grpc"),
  ]

  package static func trailers(_ status: Int, _ message: String? = nil) -> [HeaderField] {
    [HeaderField("grpc-status", "\(status)")]
      + (message.map { [HeaderField("grpc-message", $0)] } ?? [])
  }

  /// All in one block, for an answer that failed before it began.
  package static func trailersOnly(_ status: Int, _ message: String? = nil) -> [HeaderField] {
    response + trailers(status, message)
  }

  /// The same with another value of `name`; without it if `value` is `nil`.
  package func with(_ name: String, _ value: String?) -> [HeaderField] {
    guard let value else { return filter { $0.name != name } }
    guard let place = firstIndex(where: { $0.name == name }) else {
      return self + [HeaderField(name, value)]
    }
    var fields = self
    fields[place] = HeaderField(name, value)
    return fields
  }

  package func first(_ name: String) -> String? { first { $0.name == name }?.text }
}

/// Reads the header blocks of one connection, in their order.
@safe final class HeaderBlockDecoder {
  private var handle: OpaquePointer?

  /// - Parameter maxTableBytes: what the SETTINGS of the side that reads allow; the default is
  ///   HTTP/2's.
  init(maxTableBytes: Int = 4096) {
    guard unsafe nghttp2_hd_inflate_new(&handle) == 0 else { fatalError("out of memory") }
    unsafe nghttp2_hd_inflate_change_table_size(handle, maxTableBytes)
  }

  deinit { unsafe nghttp2_hd_inflate_del(handle) }

  /// - Returns: `nil` if it is no header block.
  func decode(_ block: [UInt8]) -> [HeaderField]? {
    var fields: [HeaderField] = []
    var offset = 0
    while true {
      var field = unsafe nghttp2_nv()
      var flags: Int32 = 0
      let count = unsafe block.withUnsafeBufferPointer { bytes in
        // Empty blocks have no address, and nghttp2 wants none of zero bytes.
        let start = unsafe bytes.baseAddress.map { unsafe $0 + offset }
        return unsafe nghttp2_hd_inflate_hd2(handle, &field, &flags, start, block.count - offset, 1)
      }
      guard count >= 0 else { return nil }
      offset += count
      if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
        let name = unsafe UnsafeBufferPointer(start: field.name, count: field.namelen)
        let value = unsafe UnsafeBufferPointer(start: field.value, count: field.valuelen)
        unsafe fields.append(HeaderField(String(decoding: name, as: UTF8.self), Array(value)))
      }
      if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 {
        unsafe nghttp2_hd_inflate_end_headers(handle)
        return fields
      }
      if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) == 0, offset == block.count { return nil }
    }
  }
}
