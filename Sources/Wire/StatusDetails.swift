/// An encoded `google.rpc.Status`, as far as this layer looks into it: three fields, of which the second
/// is the message.
///
/// Source: <https://protobuf.dev/programming-guides/encoding/>
enum StatusDetails {
  // Spec: W58 (PROTOCOL-HTTP2, Status-Details: the message there should agree with grpc-message)
  /// The same with another message; `nil` if the bytes are no such thing.
  static func replacingMessage(in bytes: [UInt8], with message: String) -> [UInt8]? {
    var result: [UInt8] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let start = rest.startIndex
      guard let tag = takeVarint(from: &rest), skipValue(ofTag: tag, in: &rest) else { return nil }
      if tag != messageTag { result += bytes[start..<rest.startIndex] }
    }
    result.append(UInt8(messageTag))
    appendVarint(message.utf8.count, to: &result)
    return result + message.utf8
  }

  /// Field 2, length and bytes.
  private static let messageTag: UInt64 = 2 << 3 | 2

  private static func skipValue(ofTag tag: UInt64, in rest: inout ArraySlice<UInt8>) -> Bool {
    switch tag & 7 {
    case 0: return takeVarint(from: &rest) != nil
    case 1: return skip(8, in: &rest)
    case 2:
      guard let length = takeVarint(from: &rest) else { return false }
      return skip(length, in: &rest)
    case 5: return skip(4, in: &rest)
    default: return false
    }
  }

  private static func skip(_ count: UInt64, in rest: inout ArraySlice<UInt8>) -> Bool {
    guard count <= UInt64(rest.count) else { return false }
    rest.removeFirst(Int(count))
    return true
  }

  /// Seven bits a byte, the lowest first.
  private static func takeVarint(from rest: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  private static func appendVarint(_ value: Int, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}
