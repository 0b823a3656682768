internal import TernBytes
package import TernCore

/// The head of one request, on a server: takes the fields as they come and judges them once.
///
/// Reused from call to call. A call without metadata of the application's costs no allocation
/// here, once the buffers have grown: known fields are looked at or copied into one buffer, all
/// others into one flat block, of which ``metadata`` is made when somebody asks.
@safe package final class RequestHead {
  private let texts = ByteBuffer()
  private let fields = FieldBlock()
  private var hasCustomFields = false
  private var isPost = false
  private var isGRPC = false
  private var methodPlace: TextPlace?
  private var pathPlace: TextPlace?
  private var authorityPlace: TextPlace?
  private var hostPlace: TextPlace?
  private var contentTypePlace: TextPlace?
  private var userAgentPlace: TextPlace?
  private var encodingPlace: TextPlace?
  private var acceptEncodingPlace: TextPlace?
  private var timeout: Int64?
  private var attempts: Int?
  private var fault: RequestFault?
  private var builtMetadata: Metadata?

  package init() {}

  /// Back to the beginning, for the next call.
  package func removeAll() {
    texts.removeAll(keepingAtMost: 4 << 10)
    // Asked first, because most calls have no fields of their own, and looking at an object that is
    // not in the cache costs more than this.
    if hasCustomFields {
      fields.removeAll()
      hasCustomFields = false
    }
    isPost = false
    isGRPC = false
    methodPlace = nil
    pathPlace = nil
    authorityPlace = nil
    hostPlace = nil
    contentTypePlace = nil
    userAgentPlace = nil
    encodingPlace = nil
    acceptEncodingPlace = nil
    timeout = nil
    attempts = nil
    fault = nil
    builtMetadata = nil
  }

  // MARK: Receiving

  // Spec: W5 (PROTOCOL-HTTP2: receivers do not depend on the order)
  /// Takes one field. The order does not matter; of fields that make sense once, the last counts.
  package func receive(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    switch unsafe FieldName(name) {
    case .method: unsafe receiveMethod(value)
    case .path: pathPlace = unsafe texts.keep(value)
    case .authority: unsafe receiveAuthority(value)
    case .host: unsafe receiveHost(value)
    case .contentType: unsafe receiveContentType(value)
    case .userAgent: userAgentPlace = unsafe texts.keep(value)
    case .grpcTimeout: unsafe receiveTimeout(value)
    case .grpcEncoding: encodingPlace = unsafe texts.keep(value)
    case .grpcAcceptEncoding: unsafe receiveAcceptEncoding(value)
    case .grpcPreviousAttempts: attempts = unsafe FieldText.number(value)
    case .connectionSpecific: unsafe note(.connectionField(FieldText.quoted(name)))
    case .custom: unsafe receiveCustom(name, value)
    // `te` may be missing or odd, and the scheme is what the transport is, not what a peer says.
    // Spec: W2 (PROTOCOL-HTTP2, Scheme)
    // Spec: W6 (PROTOCOL-HTTP2, TE)
    case .te, .scheme: break
    // Spec: W13 (PROTOCOL-HTTP2, reserved names)
    case .status, .grpcStatus, .grpcMessage, .grpcStatusDetails, .reserved: break
    }
  }

  // Spec: W1 (PROTOCOL-HTTP2, Method)
  private func receiveMethod(_ value: UnsafeRawBufferPointer) {
    isPost = unsafe FieldText.isPost(value)
    if !isPost { methodPlace = unsafe texts.keep(value) }
  }

  // Spec: W4 (A41: duplicates of :authority or Host)
  private func receiveAuthority(_ value: UnsafeRawBufferPointer) {
    if authorityPlace != nil { note(.repeatedAuthority) }
    authorityPlace = unsafe texts.keep(value)
  }

  private func receiveHost(_ value: UnsafeRawBufferPointer) {
    if hostPlace != nil { note(.repeatedAuthority) }
    hostPlace = unsafe texts.keep(value)
  }

  private func receiveContentType(_ value: UnsafeRawBufferPointer) {
    isGRPC = unsafe ContentType.isGRPC(value)
    contentTypePlace = unsafe texts.keep(value)
  }

  /// A list may come in several fields (RFC 9110, 5.3). One that is long already grows no more:
  /// each addition copies it.
  private func receiveAcceptEncoding(_ value: UnsafeRawBufferPointer) {
    guard let known = acceptEncoding else {
      acceptEncodingPlace = unsafe texts.keep(value)
      return
    }
    if known.utf8.count > 256 { return }
    var list = unsafe "\(known),\(String(decoding: value, as: UTF8.self))"
    acceptEncodingPlace = list.withUTF8 { unsafe texts.keep(UnsafeRawBufferPointer($0)) }
  }

  // Spec: W16 (grpc-go: malformed grpc-timeout)
  private func receiveTimeout(_ value: UnsafeRawBufferPointer) {
    timeout = unsafe TimeoutText.parse(value)
    if timeout == nil { unsafe note(.timeout(FieldText.quoted(value))) }
  }

  // Spec: W25 (PROTOCOL-HTTP2, Binary-Header: what is not base64)
  private func receiveCustom(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    if unsafe FieldName.isBinary(name) && !BinaryValue.isValid(value) {
      return unsafe note(.binary(FieldText.quoted(name)))
    }
    hasCustomFields = true
    unsafe fields.append(name: name, value: value)
  }

  /// The first fault counts: what follows may come from it.
  private func note(_ newFault: RequestFault) {
    if fault == nil { fault = newFault }
  }

  // MARK: Verdict

  package enum Verdict {
    case accepted
    case refused(RequestRefusal)
  }

  /// To be asked once, when all fields are here.
  package func verdict() -> Verdict {
    if isPost, isGRPC, fault == nil, hasLeadingSlash { return .accepted }
    return .refused(RequestRefusal(gravestFault))
  }

  // Spec: W3 (PROTOCOL-HTTP2, Path: the slash is mandatory)
  private var hasLeadingSlash: Bool { unsafe path.first == UInt8(ascii: "/") }

  /// What makes it no gRPC request at all comes before what is wrong with it as one.
  private var gravestFault: RequestFault {
    if !isPost { return .method(quoted(methodPlace)) }
    if !isGRPC { return .contentType(quoted(contentTypePlace)) }
    return fault ?? .path(quoted(pathPlace))
  }

  private func quoted(_ place: TextPlace?) -> String {
    guard let place else { return "none" }
    return unsafe FieldText.quoted(texts.slice(at: place.offset, count: place.count))
  }

  // MARK: What the request says

  /// What routing and authorisation see, both the same bytes. Valid until a field is received or
  /// the head is emptied.
  package var path: UnsafeRawBufferPointer {
    guard let pathPlace else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    return unsafe texts.slice(at: pathPlace.offset, count: pathPlace.count)
  }

  package var pathText: String { text(at: pathPlace) ?? "" }

  // Spec: W4 (A41: Host counts only if :authority is missing)
  /// `:authority`, or else `Host`; empty if the client sent neither.
  package var authority: String { text(at: authorityPlace) ?? text(at: hostPlace) ?? "" }

  /// What the client's library calls itself; empty if it does not say.
  package var userAgent: String { text(at: userAgentPlace) ?? "" }

  /// How long the call may take from now; `nil` if the client sets no deadline. Zero is legal: the
  /// deadline has passed.
  package var timeoutNanoseconds: Int64? { timeout }

  /// The algorithm of compressed messages.
  package var encoding: String? { text(at: encodingPlace) }
  /// Whether the client says anything of compression.
  package var mentionsCompression: Bool { encodingPlace != nil || acceptEncodingPlace != nil }
  // Spec: W51 (compression: with nothing that the client does not accept)
  /// Whether the client can decode an algorithm. Without a list it can decode none.
  package func accepts(_ algorithm: CompressionAlgorithm) -> Bool {
    guard let place = acceptEncodingPlace else { return false }
    return unsafe FieldText.list(
      texts.slice(at: place.offset, count: place.count), has: algorithm.name)
  }

  /// A list of what the client can decode.
  package var acceptEncoding: String? { text(at: acceptEncodingPlace) }

  /// What follows the `+` in the content type, e.g. `proto`.
  package var contentSubtype: String? {
    guard let type = text(at: contentTypePlace)?.prefix(while: { $0 != ";" }),
      let plus = type.firstIndex(of: "+")
    else { return nil }
    return String(type[type.index(after: plus)...])
  }

  // Spec: W12 (A6: grpc-previous-rpc-attempts)
  /// How often this call was tried before, if it is a retry.
  package var previousAttempts: Int? { attempts }

  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  /// What the application on the other side sent, made when first asked for.
  ///
  /// The protocol's own names are not in it, nor is `user-agent`, which has its own property: so
  /// a handler can hand all of it on to another call.
  package var metadata: Metadata {
    if let builtMetadata { return builtMetadata }
    let metadata = Metadata(received: fields)
    builtMetadata = metadata
    return metadata
  }

  /// Changes what the application on this side sees.
  package func replaceMetadata(_ metadata: Metadata) { builtMetadata = metadata }

  private func text(at place: TextPlace?) -> String? { place.map { texts.text(at: $0) } }
}
