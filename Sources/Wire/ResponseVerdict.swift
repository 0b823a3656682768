internal import TernBytes
internal import TernCore

/// What one block of a response's fields says about the call. Texts lie in the call's buffer.
struct ReceivedFields {
  /// Zero if there is none, as in trailers.
  var httpStatus = 0
  var isGRPC = false
  /// Kept only if it is not gRPC's.
  var contentType: TextPlace?
  var hasStatus = false
  /// The `grpc-status`, if it is one that there is.
  var code: StatusCode?
  /// The `grpc-status`, if it is not.
  var unknownStatus: TextPlace?
  var message: TextPlace?
  var details: TextPlace?
  /// A `-bin` field whose value is not base64.
  var malformedName: TextPlace?

  var head: ResponsePhase.Head {
    if (100..<200).contains(httpStatus) { return .interim }
    return httpStatus == 200 && isGRPC ? .gRPC : .foreign
  }
}

/// Makes the status of a call out of what the server sent.
enum ResponseVerdict {
  private static let maxBodyTextCharacters = 1_000
  /// As long as those characters can be.
  static let maxBodyTextBytes = 4 * maxBodyTextCharacters

  // Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
  // Spec: W59 (PROTOCOL-HTTP2: grpc-status wins over the HTTP status)
  static func trailersOnly(_ fields: ReceivedFields, _ texts: ByteBuffer) -> Status {
    guard let status = status(fields, texts) else {
      return fields.head == .gRPC ? noStatus : mapped(fields, texts, body: nil)
    }
    // Who does not say that it speaks gRPC is not believed that all went well.
    return status.isOK && !fields.isGRPC ? mapped(fields, texts, body: nil) : status
  }

  // Spec: W60 (PROTOCOL-HTTP2: with a body, grpc-status counts in the trailers only)
  // Spec: W61 (statuscodes: no status in the trailers)
  static func trailers(_ fields: ReceivedFields, _ texts: ByteBuffer) -> Status {
    status(fields, texts) ?? noStatus
  }

  // Spec: W64 (http-grpc-status-mapping: content-type is not gRPC's)
  static func foreign(
    _ head: ReceivedFields, trailers: ReceivedFields?, _ texts: ByteBuffer, body: ByteBuffer?
  ) -> Status {
    // An OK is not believed: what came were no messages.
    if let trailers, let status = status(trailers, texts), !status.isOK { return status }
    return mapped(head, texts, body: body)
  }

  private static let noStatus = Status(
    .unknown, "The server ended the call without a grpc-status in its trailers.")

  // Spec: W25 (PROTOCOL-HTTP2, Binary-Header: what is not base64)
  static func malformed(_ name: TextPlace, _ texts: ByteBuffer) -> Status {
    let name = unsafe FieldText.quoted(texts.slice(at: name.offset, count: name.count))
    return Status(.internal, "The value of the metadata \(name) in the response is not base64.")
  }

  // Spec: W62 (PROTOCOL-HTTP2, Response: trailers are mandatory)
  // Spec: W63 (PROTOCOL-HTTP2, Response: what comes when)
  static func broken(_ breach: ResponsePhase.Breach) -> Status {
    let what =
      switch breach {
      case .endInInterimHead: "The server ended the call with an interim (1xx) response."
      case .secondHead: "The server sent response headers twice."
      case .dataBeforeHead: "The server sent data before response headers."
      case .endBeforeHead: "The server ended the call without response headers."
      case .endWithoutTrailers: "The server ended the call without trailers."
      }
    return Status(.internal, what)
  }

  // MARK: grpc-status

  // Spec: W56 (PROTOCOL-HTTP2, Status)
  // Spec: W57 (PROTOCOL-HTTP2, Status-Message)
  /// - Returns: `nil` if there is no `grpc-status`.
  private static func status(_ fields: ReceivedFields, _ texts: ByteBuffer) -> Status? {
    if !fields.hasStatus { return nil }
    if let name = fields.malformedName { return malformed(name, texts) }
    if let code = fields.code {
      if code == .ok { return .ok }
      return Status(code, message(fields, texts), detailsBytes: details(fields, texts))
    }
    let place = fields.unknownStatus ?? TextPlace(offset: 0, count: 0)
    let text = unsafe texts.slice(at: place.offset, count: place.count)
    let problem = unsafe "The server sent the unknown status \(FieldText.quoted(text))"
    let message = message(fields, texts)
    return Status(
      .unknown, message.isEmpty ? "\(problem)." : "\(problem): \(message)",
      detailsBytes: details(fields, texts))
  }

  private static func message(_ fields: ReceivedFields, _ texts: ByteBuffer) -> String {
    guard let place = fields.message else { return "" }
    return unsafe PercentCoding.decode(texts.slice(at: place.offset, count: place.count))
  }

  // Spec: W58 (PROTOCOL-HTTP2, Status-Details)
  /// Details that are not base64 are left out: the code and the message are worth more than a
  /// complaint.
  private static func details(_ fields: ReceivedFields, _ texts: ByteBuffer) -> [UInt8] {
    guard let place = fields.details else { return [] }
    return unsafe Base64.decode(texts.slice(at: place.offset, count: place.count)) ?? []
  }

  // MARK: HTTP status

  // Spec: W59 (http-grpc-status-mapping: only without grpc-status)
  private static func mapped(
    _ head: ReceivedFields, _ texts: ByteBuffer, body: ByteBuffer?
  ) -> Status {
    let type = head.contentType.map { "the content-type '\(texts.text(at: $0))'" }
    let shownType = type ?? (head.isGRPC ? "gRPC's content-type" : "no content-type")
    var message = """
      The answer is not gRPC's: it has the HTTP status \(head.httpStatus) and \(shownType). \
      A proxy, or a server of another kind, may have sent it.
      """
    if let body, !body.isEmpty {
      let text = unsafe String(decoding: body.readable, as: UTF8.self)
      message += " It begins: \(text.prefix(maxBodyTextCharacters))"
    }
    return Status(StatusMapping.code(forHTTPStatus: head.httpStatus), message)
  }
}
