internal import Glibc
internal import TernBytes

/// What a received field is to us. Every name that means something on either side is here once.
enum FieldName {
  case method, scheme, path, authority, status
  case host, te, contentType, userAgent
  case grpcTimeout, grpcEncoding, grpcAcceptEncoding, grpcPreviousAttempts
  case grpcStatus, grpcMessage, grpcStatusDetails
  /// Belongs to one HTTP/1.1 connection and has no place in HTTP/2.
  case connectionSpecific
  /// Starts as the protocol's names do, and means nothing to us.
  case reserved
  /// The application's.
  case custom

  init(_ name: UnsafeRawBufferPointer) {
    self = unsafe Self.known(name) ?? (Self.isReserved(name) ? .reserved : .custom)
  }

  /// Compares lengths first: that alone tells most names apart.
  private static func known(_ name: UnsafeRawBufferPointer) -> FieldName? {
    switch name.count {
    case 2: unsafe isEqual(name, "te") ? .te : nil
    case 4: unsafe isEqual(name, "host") ? .host : nil
    case 5: unsafe isEqual(name, ":path") ? .path : nil
    case 7: unsafe knownOf7(name)
    case 10: unsafe knownOf10(name)
    case 11: unsafe isEqual(name, "grpc-status") ? .grpcStatus : nil
    case 12: unsafe knownOf12(name)
    case 13: unsafe isEqual(name, "grpc-encoding") ? .grpcEncoding : nil
    case 16: unsafe isEqual(name, "proxy-connection") ? .connectionSpecific : nil
    case 17: unsafe isEqual(name, "transfer-encoding") ? .connectionSpecific : nil
    case 20: unsafe isEqual(name, "grpc-accept-encoding") ? .grpcAcceptEncoding : nil
    case 23: unsafe isEqual(name, "grpc-status-details-bin") ? .grpcStatusDetails : nil
    case 26: unsafe isEqual(name, "grpc-previous-rpc-attempts") ? .grpcPreviousAttempts : nil
    default: nil
    }
  }

  private static func knownOf7(_ name: UnsafeRawBufferPointer) -> FieldName? {
    if unsafe isEqual(name, ":method") { return .method }
    if unsafe isEqual(name, ":scheme") { return .scheme }
    if unsafe isEqual(name, ":status") { return .status }
    return unsafe isEqual(name, "upgrade") ? .connectionSpecific : nil
  }

  private static func knownOf10(_ name: UnsafeRawBufferPointer) -> FieldName? {
    if unsafe isEqual(name, ":authority") { return .authority }
    if unsafe isEqual(name, "user-agent") { return .userAgent }
    let isHopByHop = unsafe isEqual(name, "connection") || isEqual(name, "keep-alive")
    return isHopByHop ? .connectionSpecific : nil
  }

  private static func knownOf12(_ name: UnsafeRawBufferPointer) -> FieldName? {
    if unsafe isEqual(name, "content-type") { return .contentType }
    if unsafe isEqual(name, "grpc-timeout") { return .grpcTimeout }
    return unsafe isEqual(name, "grpc-message") ? .grpcMessage : nil
  }

  @inline(__always)
  private static func isEqual(_ name: UnsafeRawBufferPointer, _ known: StaticString) -> Bool {
    unsafe name.count == known.utf8CodeUnitCount
      && memcmp(name.baseAddress!, known.utf8Start, name.count) == 0
  }

  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  private static func isReserved(_ name: UnsafeRawBufferPointer) -> Bool {
    guard name.count > 0 else { return true }
    if unsafe name[0] == UInt8(ascii: ":") { return true }
    return unsafe name.count >= 5 && memcmp(name.baseAddress!, "grpc-", 5) == 0
  }

  /// Whether values under this name travel as base64.
  static func isBinary(_ name: UnsafeRawBufferPointer) -> Bool {
    unsafe name.count >= 4 && memcmp(name.baseAddress! + (name.count - 4), "-bin", 4) == 0
  }
}
