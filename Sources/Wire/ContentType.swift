internal import Glibc

/// Which content types mean gRPC.
enum ContentType {
  static let sent = "application/grpc"

  // Spec: W7 (PROTOCOL-HTTP2, Content-Type)
  /// Exactly `application/grpc`, or that with a subtype (`+proto`) or parameters (`;…`) behind.
  /// `application/grpc-web` is another protocol.
  static func isGRPC(_ value: UnsafeRawBufferPointer) -> Bool {
    let base: StaticString = "application/grpc"
    let length = base.utf8CodeUnitCount
    guard value.count >= length,
      // Media types have no case (RFC 9110, 8.3.1).
      unsafe strncasecmp(
        value.baseAddress!.assumingMemoryBound(to: CChar.self),
        UnsafeRawPointer(base.utf8Start).assumingMemoryBound(to: CChar.self), length) == 0
    else { return false }
    guard value.count > length else { return true }
    return unsafe value[length] == UInt8(ascii: "+") || value[length] == UInt8(ascii: ";")
  }
}
