package import TernBytes
package import TernCore

/// The fields of a response: its head, its trailers, or both at once.
package enum ResponseFields {
  // Spec: W54 (PROTOCOL-HTTP2, Response-Headers)
  package static let head = FieldBlock([":status": "200", "content-type": ContentType.sent])

  // Spec: W44 (compression: grpc-encoding and grpc-accept-encoding)
  /// To be sent behind ``head`` to clients that speak of compression.
  ///
  /// - Parameter encoding: The algorithm of compressed messages, if there may be some.
  package static func compression(acceptedEncodings: String, encoding: String?) -> FieldBlock {
    let fields = FieldBlock(["grpc-accept-encoding": acceptedEncodings])
    if let encoding { fields.append(name: "grpc-encoding", value: encoding) }
    return fields
  }

  /// Initial metadata, to be sent behind ``head``. What has a ``Metadata/problem`` is left out.
  ///
  /// - Returns: `nil` if there is nothing to send.
  package static func metadata(_ metadata: Metadata) -> FieldBlock? {
    if metadata.isEmpty { return nil }
    let fields = FieldBlock()
    fields.append(metadata)
    return fields.isEmpty ? nil : fields
  }

  // Spec: W56 (PROTOCOL-HTTP2, Status: sent for OK as well)
  package static let trailersOK = FieldBlock(["grpc-status": "0"])

  // Spec: W54 (PROTOCOL-HTTP2, Trailers)
  package static func trailers(_ status: Status, metadata: Metadata) -> FieldBlock {
    if metadata.isEmpty, status == .ok { return trailersOK }
    let fields = FieldBlock()
    append(status, metadata, to: fields)
    return fields
  }

  // Spec: W46 (compression: encoding not supported by the server)
  // Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
  /// Head and trailers in one block: how a call fails before anything was sent.
  ///
  /// - Parameter acceptEncoding: the value of `grpc-accept-encoding`, if it is to be sent.
  package static func trailersOnly(
    _ status: Status, metadata: Metadata, httpStatus: Int = 200, acceptEncoding: String? = nil
  ) -> FieldBlock {
    let fields = FieldBlock([":status": "\(httpStatus)", "content-type": ContentType.sent])
    // Spec: W1 (RFC 9110, 15.5.6: 405 names the methods that are allowed)
    if httpStatus == 405 { fields.append(name: "allow", value: "POST") }
    if let acceptEncoding { fields.append(name: "grpc-accept-encoding", value: acceptEncoding) }
    append(status, metadata, to: fields)
    return fields
  }

  // MARK: Status

  // Many peers refuse a header block of more than 8 KiB, all names, values and 32 bytes a field
  // counted, and the call would end with their complaint instead of our status. These limits leave
  // room for metadata.

  /// The longest `grpc-message`, in bytes on the wire. What is longer is cut.
  package static let maxMessageBytes = 4 << 10
  /// The longest `grpc-message` beside details.
  package static let maxMessageBytesBesideDetails = 1 << 10
  /// The longest `grpc-status-details-bin`, in bytes on the wire. A part of an encoded message is
  /// no use, so longer ones are left out, and the message says so.
  package static let maxDetailsBytes = 6 << 10

  // Spec: W56 (PROTOCOL-HTTP2, Status)
  // Spec: W57 (PROTOCOL-HTTP2, Status-Message)
  // Spec: W58 (PROTOCOL-HTTP2, Status-Details)
  private static func append(_ status: Status, _ metadata: Metadata, to fields: FieldBlock) {
    fields.append(name: "grpc-status", value: "\(status.code.rawValue)")
    var message = status.message
    var details = status.detailsBytes
    if !details.isEmpty { (message, details) = agreeing(message, details) }
    let isFitting = Base64.encodedCount(details.count) <= maxDetailsBytes
    let hasDetails = !details.isEmpty && isFitting
    // The note stands in front, where it is not cut off.
    if !isFitting {
      message =
        "(\(details.count) bytes of details left out: too long for trailers) \(status.message)"
    }
    if !message.isEmpty {
      fields.append(name: "grpc-message", percentCoded: message, maxBytes: maxMessageBytes)
    }
    if hasDetails { fields.append(name: "grpc-status-details-bin", base64: details) }
    fields.append(metadata)
  }

  /// Cuts the message that stands beside details. The one in the details is cut likewise: some clients
  /// refuse details that disagree.
  private static func agreeing(_ message: String, _ details: [UInt8]) -> (String, [UInt8]) {
    let short = PercentCoding.prefix(of: message, maxBytes: maxMessageBytesBesideDetails)
    if short.utf8.count == message.utf8.count { return (message, details) }
    return (short, StatusDetails.replacingMessage(in: details, with: short) ?? details)
  }
}
