package import TernBytes
package import TernCore

/// The fields of a request, in blocks that live as long as what they depend on: a method on a
/// channel, a call, a channel.
///
/// Sent in this order: ``pseudo(path:authority:scheme:)``, ``timeout(nanoseconds:)``,
/// ``fixed(userAgent:acceptedEncodings:)``, ``encoding(_:)``, ``metadata(_:)``.
// Spec: W5 (PROTOCOL-HTTP2, Request-Headers: order)
package enum RequestFields {
  // Spec: W1 (PROTOCOL-HTTP2, Method)
  // Spec: W2 (PROTOCOL-HTTP2, Scheme)
  // Spec: W3 (PROTOCOL-HTTP2, Path)
  // Spec: W4 (PROTOCOL-HTTP2, Authority)
  package static func pseudo(path: String, authority: String, scheme: String) -> FieldBlock {
    FieldBlock([
      ":method": "POST", ":scheme": scheme, ":path": path, ":authority": authority,
    ])
  }

  // Spec: W15 (PROTOCOL-HTTP2, Timeout)
  package static func timeout(nanoseconds: Int64) -> FieldBlock {
    FieldBlock(["grpc-timeout": TimeoutText.text(nanoseconds: nanoseconds)])
  }

  // Spec: W6 (PROTOCOL-HTTP2, TE)
  // Spec: W7 (PROTOCOL-HTTP2, Content-Type)
  // Spec: W10 (PROTOCOL-HTTP2, User-Agent)
  // Spec: W44 (compression: grpc-accept-encoding)
  package static func fixed(userAgent: String, acceptedEncodings: String) -> FieldBlock {
    FieldBlock([
      "te": "trailers", "content-type": ContentType.sent,
      "grpc-accept-encoding": acceptedEncodings, "user-agent": userAgent,
    ])
  }

  // Spec: W44 (compression: grpc-encoding)
  /// Only for calls that compress messages.
  package static func encoding(_ name: String) -> FieldBlock { FieldBlock(["grpc-encoding": name]) }

  /// - Parameter metadata: should have no ``Metadata/problem``; what has one is left out.
  /// - Returns: `nil` if there is nothing to send.
  package static func metadata(_ metadata: Metadata) -> FieldBlock? {
    if metadata.isEmpty { return nil }
    let fields = FieldBlock()
    fields.append(metadata)
    return fields.isEmpty ? nil : fields
  }
}
