public import TernBytes

/// Turns messages of one type into bytes, and back.
///
/// Any type can be a message. Protobuf's codec comes with `Tern`; ``bytes`` is the plainest one.
public struct MessageCodec<Message>: Sendable {
  /// Adds the encoded message at the end of the buffer and leaves what is there untouched. If it
  /// throws, what it added is cut off again.
  public let encode: @Sendable (Message, ByteBuffer) throws -> Void
  /// Makes a message of all the bytes. They are valid only during the call.
  public let decode: @Sendable (RawSpan) throws -> Message

  @inlinable
  public init(
    encode: @escaping @Sendable (Message, ByteBuffer) throws -> Void,
    decode: @escaping @Sendable (RawSpan) throws -> Message
  ) {
    self.encode = encode
    self.decode = decode
  }
}

extension MessageCodec where Message == [UInt8] {
  /// Messages that are bytes and stay bytes.
  public static let bytes = MessageCodec(
    encode: { message, buffer in buffer.append(contentsOf: message) },
    decode: { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } })
}
