public import SwiftProtobuf
public import TernBytes
public import TernCore

extension MessageCodec where Message: SwiftProtobuf.Message {
  /// Messages of SwiftProtobuf, in Protobuf's binary form.
  ///
  /// Encoding writes straight into the buffer, decoding reads straight from the bytes: no array or
  /// `Data` in between. Both throw an ``RPCError`` with the code `INTERNAL` that names the
  /// message's type.
  @inlinable
  public static var protobuf: MessageCodec<Message> {
    MessageCodec(
      encode: { message, buffer in try encodeInPlace(message, into: buffer) },
      decode: { bytes in
        do {
          return try Message(serializedBytes: bytes)
        } catch {
          throw undecodable(Message.protoMessageName, byteCount: bytes.byteCount, cause: error)
        }
      })
  }
}

extension RPCMethod where Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message {
  /// A method whose messages travel in Protobuf's binary form. Generated code calls this.
  @inlinable
  public init(protobuf descriptor: MethodDescriptor) {
    self.init(descriptor, requestCodec: .protobuf, responseCodec: .protobuf)
  }
}

// Spec: W41 (gRPC core, "Status codes and their use in gRPC": a message that cannot be parsed)
@usableFromInline
func undecodable(_ type: String, byteCount: Int, cause: any Error) -> RPCError {
  RPCError(
    .internal,
    "The \(byteCount) bytes received are not a '\(type)'. "
      + "Do both sides use the same .proto file for this method?",
    cause: cause, origin: .peer)
}

func unencodable(_ type: String, cause: any Error) -> RPCError {
  RPCError(
    .internal,
    "A '\(type)' could not be encoded. Are all its required fields set?",
    cause: cause, origin: .caller)
}
