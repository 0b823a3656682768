internal import TernBytes
package import TernCore

/// The response half of one call, on a client: takes what comes and finds the call's status.
///
/// Reused from call to call. The first status stays: what comes after it changes nothing.
@safe package final class ResponseState {
  package enum Action: Equatable {
    case nothing
    /// The bytes belong to whoever reads messages.
    case deliver
    /// The bytes belong to nobody; they still count for flow control.
    case drop
    /// The initial metadata is here.
    case head
    /// The call has its status.
    case over
    /// The call has its status, and the stream is to be reset with this code.
    case reset(code: UInt32)
  }

  private var phase = ResponsePhase.awaitingHead
  /// What the block of fields that is coming in says.
  private var incoming = ReceivedFields()
  /// What the first block said, if it began no gRPC response.
  private var foreignHead = ReceivedFields()
  // Made when they are needed: most responses bring no metadata, and no text.
  private var headFields: FieldBlock?
  private var trailerFields: FieldBlock?
  private var bodyText: ByteBuffer?
  private let texts = ByteBuffer()
  private var isTrailersOnly = false
  private var encodingPlace: TextPlace?
  private var isEnded = false
  /// How it ended, if it did not end well.
  private var problem: Status?
  private var resultOrigin = RPCError.Origin.peer

  /// HTTP/2's codes for RST_STREAM.
  private static let protocolError: UInt32 = 1
  private static let cancel: UInt32 = 8

  package init() {}

  /// Back to the beginning, for the next call.
  package func removeAll() {
    phase = .awaitingHead
    incoming = ReceivedFields()
    foreignHead = ReceivedFields()
    if headFields != nil { headFields = nil }
    if trailerFields != nil { trailerFields = nil }
    texts.removeAll(keepingAtMost: 4 << 10)
    if bodyText != nil { bodyText = nil }
    isTrailersOnly = false
    encodingPlace = nil
    isEnded = false
    if problem != nil { problem = nil }
    resultOrigin = .peer
  }

  // MARK: Fields

  /// Takes one field of a head, an interim head, or trailers.
  package func receive(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    if phase == .over { return }
    switch unsafe FieldName(name) {
    case .status: incoming.httpStatus = unsafe FieldText.number(value) ?? 0
    case .contentType:
      incoming.isGRPC = unsafe ContentType.isGRPC(value)
      if !incoming.isGRPC { incoming.contentType = unsafe texts.keep(value) }
    case .grpcStatus: unsafe receiveStatus(value)
    case .grpcMessage: incoming.message = unsafe texts.keep(value)
    case .grpcStatusDetails: incoming.details = unsafe texts.keep(value)
    // What stands in trailers comes too late to mean anything.
    case .grpcEncoding: if phase == .awaitingHead { encodingPlace = unsafe texts.keep(value) }
    case .custom: unsafe receiveCustom(name, value)
    // Spec: W13 (PROTOCOL-HTTP2, reserved names)
    case .method, .scheme, .path, .authority, .host, .te, .userAgent, .grpcTimeout,
      .grpcAcceptEncoding, .grpcPreviousAttempts, .connectionSpecific, .reserved:
      break
    }
  }

  // Spec: W25 (PROTOCOL-HTTP2, Binary-Header: what is not base64)
  private func receiveCustom(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    if unsafe FieldName.isBinary(name) && !BinaryValue.isValid(value) {
      incoming.malformedName = unsafe texts.keep(name)
      return
    }
    unsafe fields(isHead: phase == .awaitingHead).append(name: name, value: value)
  }

  private func fields(isHead: Bool) -> FieldBlock {
    if let known = isHead ? headFields : trailerFields { return known }
    let made = FieldBlock()
    if isHead { headFields = made } else { trailerFields = made }
    return made
  }

  private func receiveStatus(_ value: UnsafeRawBufferPointer) {
    incoming.hasStatus = true
    incoming.code = unsafe FieldText.number(value).flatMap { StatusCode(rawValue: $0) }
    // To be shown in the complaint.
    incoming.unknownStatus = incoming.code == nil ? unsafe texts.keep(value) : nil
  }

  /// All fields of a block are here.
  package func receiveFieldsEnd(endOfStream: Bool) -> Action {
    defer { incoming = ReceivedFields() }
    switch phase.receiveFields(incoming.head, endOfStream: endOfStream) {
    case .ignore: return .nothing
    case .skipInterim:
      headFields = nil
      texts.removeAll()
      encodingPlace = nil
      return .nothing
    case .takeHead:
      guard let name = incoming.malformedName else { return .head }
      finish(ResponseVerdict.malformed(name, texts))
      return .reset(code: Self.protocolError)
    case .takeForeignHead:
      foreignHead = incoming
      return .nothing
    case .endWithTrailersOnly:
      isTrailersOnly = true
      finish(ResponseVerdict.trailersOnly(incoming, texts))
      return .over
    case .endWithTrailers:
      finish(ResponseVerdict.trailers(incoming, texts))
      return .over
    case .endWithForeignTrailers:
      finish(ResponseVerdict.foreign(foreignHead, trailers: incoming, texts, body: bodyText))
      return .over
    case .fail(let breach):
      finish(ResponseVerdict.broken(breach))
      return endOfStream ? .over : .reset(code: Self.protocolError)
    }
  }

  // MARK: Body

  /// Takes the payload of a DATA frame. Says whom it belongs to, and keeps it only if it is text
  /// for an error message.
  package func receiveData(_ bytes: UnsafeRawBufferPointer) -> Action {
    switch phase.receiveData() {
    case .drop: return .drop
    case .deliver: return .deliver
    case .collectText: return unsafe collect(bytes)
    case .fail(let breach):
      finish(ResponseVerdict.broken(breach))
      return .reset(code: Self.protocolError)
    }
  }

  // Spec: W64 (http-grpc-status-mapping; grpc-java keeps the body's first 1,000 characters)
  private func collect(_ bytes: UnsafeRawBufferPointer) -> Action {
    let bodyText = bodyText ?? ByteBuffer()
    self.bodyText = bodyText
    let room = ResponseVerdict.maxBodyTextBytes - bodyText.count
    unsafe bodyText.append(UnsafeRawBufferPointer(rebasing: bytes.prefix(room)))
    guard bodyText.count == ResponseVerdict.maxBodyTextBytes else { return .drop }
    // Enough to see who answered; nobody needs the rest.
    finishForeign()
    return .reset(code: Self.cancel)
  }

  // Spec: W40 (statuscodes: end of stream inside a message)
  /// END_STREAM came with DATA; or it came with trailers, and the reader of messages has found
  /// that the last message is not whole.
  ///
  /// - Parameter unreadMessageBytes: how many bytes there are of a message that is not whole.
  package func receiveEndOfStream(unreadMessageBytes: Int) -> Action {
    switch phase.receiveEndOfStream() {
    case .fail(let breach):
      let isCutOff = breach == .endWithoutTrailers && unreadMessageBytes > 0
      finish(isCutOff ? Cardinality.cutOffResponse : ResponseVerdict.broken(breach))
      return .over
    case .endOfForeignBody:
      finishForeign()
      return .over
    case .ignore:
      // An OK is not to be believed when messages are missing; any other status says more.
      if unreadMessageBytes > 0, isOK { problem = Cardinality.cutOffResponse }
      return .nothing
    }
  }

  // MARK: Other ends

  // Spec: W65 (PROTOCOL-HTTP2: RST_STREAM after trailers)
  /// The server reset the stream. Means nothing if the call has its status already.
  package func receiveReset(code: UInt32, isDeadlinePast: Bool) {
    if phase == .foreignBody, !isDeadlinePast { return finishForeign() }
    finish(StatusMapping.status(forResetCode: code, isDeadlinePast: isDeadlinePast))
  }

  /// Something else ended the call: its deadline, its caller, a limit, a lost connection. Means
  /// nothing if the call has its status already.
  package func end(_ status: Status, origin: RPCError.Origin) {
    if !isEnded { resultOrigin = origin }
    finish(status)
  }

  private func finish(_ status: Status) {
    phase = .over
    if isEnded { return }
    isEnded = true
    if !status.isOK { problem = status }
  }

  private func finishForeign() {
    finish(ResponseVerdict.foreign(foreignHead, trailers: nil, texts, body: bodyText))
  }

  // MARK: What is known

  /// How the call ended; `nil` until it has.
  package var status: Status? { isEnded ? problem ?? .ok : nil }
  /// Whether there is one.
  package var hasStatus: Bool { isEnded }
  /// Whether it is OK.
  package var isOK: Bool { isEnded && problem == nil }
  /// Who began the end.
  package var origin: RPCError.Origin { resultOrigin }
  /// The algorithm of compressed messages.
  package var encoding: String? { encodingPlace.map { texts.text(at: $0) } }

  /// Made anew each time: keep it.
  package var initialMetadata: Metadata {
    isTrailersOnly ? [:] : metadata(headFields)
  }

  /// Made anew each time: keep it.
  package var trailingMetadata: Metadata {
    metadata(isTrailersOnly ? headFields : trailerFields)
  }

  private func metadata(_ fields: FieldBlock?) -> Metadata {
    fields.map { Metadata(received: $0) } ?? [:]
  }
}
