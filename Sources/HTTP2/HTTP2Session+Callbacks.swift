internal import CNghttp2
internal import TernBytes

/// nghttp2's table of our functions: one for the process, as it never changes.
@safe final class SessionCallbacks: @unchecked Sendable {
  // `@unchecked Sendable` because nothing changes it after `init`.
  static let shared = SessionCallbacks()

  let handle: OpaquePointer?

  private init() {
    var callbacks: OpaquePointer?
    // Without memory for this table at start there is nothing to go on with; sessions then fail.
    _ = unsafe nghttp2_session_callbacks_new(&callbacks)
    unsafe handle = callbacks
    unsafe install(on: callbacks)
  }
}

// MARK: - Called from C

// The only place where nghttp2 calls us. Each callback finds its stream or session, turns C values
// into Swift ones, and notes an event. None may call nghttp2's send or receive functions (its
// programmers' guide: "will lead to the crash"), and none may trap on anything that a peer chose.
private func install(on callbacks: OpaquePointer?) {
  unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, beginHeaders)
  unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, receiveHeader)
  unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, receiveFrame)
  unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, receiveDataChunk)
  unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closeStream)
  unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, sentFrame)
  unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, dropFrame)
  unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks, sendData)
  unsafe nghttp2_session_callbacks_set_error_callback2(callbacks, noteComplaint)
}

/// Free and not a method: a C callback can capture nothing, not even `Self`.
@inline(__always)
private func withSession(
  _ context: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> Void
) {
  guard let context = unsafe context else { return }
  unsafe Unmanaged<HTTP2Session>.fromOpaque(context)._withUnsafeGuaranteedRef { body($0) }
}

@inline(__always)
private func withStream(
  _ handle: OpaquePointer?, _ id: Int32, _ body: (_HTTP2Stream) -> Void
) {
  guard let pointer = unsafe nghttp2_session_get_stream_user_data(handle, id) else { return }
  unsafe Unmanaged<_HTTP2Stream>.fromOpaque(pointer)._withUnsafeGuaranteedRef { body($0) }
}

/// The other frame with a header block is PUSH_PROMISE, which names the stream of a request of ours
/// and belongs to another one.
@inline(__always)
private func isHeaders(_ frame: UnsafePointer<nghttp2_frame>) -> Bool {
  unsafe UInt32(frame.pointee.hd.type) == NGHTTP2_HEADERS.rawValue
}

private let beginHeaders: nghttp2_on_begin_headers_callback = { handle, frame, context in
  guard let frame = unsafe frame else { return 0 }
  let id = unsafe frame.pointee.hd.stream_id
  guard unsafe isHeaders(frame) else { return 0 }
  if unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
    unsafe withSession(context) { session in
      guard let stream = unsafe session.receiver?.makeStream() else {
        _ = unsafe nghttp2_submit_rst_stream(
          handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, ErrorCode.refusedStream)
        return
      }
      let pointer = unsafe Unmanaged.passUnretained(stream).toOpaque()
      guard unsafe nghttp2_session_set_stream_user_data(handle, id, pointer) == 0 else { return }
      session.add(stream, id: id)
      unsafe session.incoming = unsafe Unmanaged.passUnretained(stream)
    }
  } else {
    unsafe withSession(context) { session in
      unsafe withStream(handle, id) { stream in
        stream.headerListBytes = 0
        unsafe session.incoming = unsafe Unmanaged.passUnretained(stream)
      }
    }
  }
  return 0
}

/// HTTP/2 counts this for each field (RFC 9113, 6.5.2).
private let fieldOverheadBytes = 32

private let receiveHeader: nghttp2_on_header_callback = {
  _, frame, name, nameCount, value, valueCount, _, context in
  guard let frame = unsafe frame, unsafe isHeaders(frame) else { return 0 }
  unsafe withSession(context) { session in
    guard let incoming = unsafe session.incoming else { return }
    unsafe incoming._withUnsafeGuaranteedRef { stream in
      stream.headerListBytes += nameCount + valueCount + fieldOverheadBytes
      // Spec: W31 (the block is decoded to its end, or the HPACK tables would differ; only the
      // fields are dropped)
      if stream.headerListBytes > session.settings.hardMaxHeaderListBytes { return }
      unsafe stream.receiveField(
        name: UnsafeRawBufferPointer(start: name, count: nameCount),
        value: UnsafeRawBufferPointer(start: value, count: valueCount))
    }
  }
  return 0
}

private let receiveFrame: nghttp2_on_frame_recv_callback = { handle, frame, context in
  guard let frame = unsafe frame else { return 0 }
  let header = unsafe frame.pointee.hd
  let endOfStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
  switch UInt32(header.type) {
  case NGHTTP2_DATA.rawValue where endOfStream:
    unsafe withStream(handle, header.stream_id) { stream in
      stream.isRemoteEnded = true
      stream.receiveEndOfStream()
    }
  case NGHTTP2_HEADERS.rawValue:
    unsafe withSession(context) { session in
      guard let incoming = unsafe session.incoming else { return }
      unsafe session.incoming = nil
      unsafe incoming._withUnsafeGuaranteedRef { stream in
        if endOfStream { stream.isRemoteEnded = true }
        let isTooLarge = stream.headerListBytes > session.settings.hardMaxHeaderListBytes
        stream.receiveFieldsEnd(endOfStream: endOfStream, isTooLarge: isTooLarge)
      }
    }
  case NGHTTP2_SETTINGS.rawValue where header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) == 0:
    unsafe withSession(context) { unsafe $0.receiver?.receiveSettings() }
  case NGHTTP2_PING.rawValue where header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0:
    let data = unsafe frame.pointee.ping.opaque_data
    let opaque = unsafe withUnsafeBytes(of: data) {
      UInt64(bigEndian: unsafe $0.loadUnaligned(as: UInt64.self))
    }
    unsafe withSession(context) { unsafe $0.receiver?.receivePingAcknowledgement(opaque) }
  case NGHTTP2_GOAWAY.rawValue:
    unsafe receiveGoAway(frame, context)
  default: break
  }
  return 0
}

private func receiveGoAway(
  _ frame: UnsafePointer<nghttp2_frame>, _ context: UnsafeMutableRawPointer?
) {
  let goAway = unsafe frame.pointee.goaway
  // Enough for a sentence; a peer may send up to a whole frame.
  let maxDebugBytes = 256
  let text = unsafe UnsafeBufferPointer(
    start: goAway.opaque_data, count: min(goAway.opaque_data_len, maxDebugBytes))
  let debugText = unsafe String(decoding: text, as: UTF8.self)
  unsafe withSession(context) { session in
    unsafe session.receiver?.receiveGoAway(
      lastStreamID: goAway.last_stream_id, errorCode: goAway.error_code, debugText: debugText)
  }
}

private let receiveDataChunk: nghttp2_on_data_chunk_recv_callback = {
  handle, _, id, bytes, count, context in
  unsafe withSession(context) { $0.unreturnedConnectionBytes += count }
  unsafe withStream(handle, id) { stream in
    unsafe stream.receiveData(UnsafeRawBufferPointer(start: bytes, count: count))
  }
  return 0
}

private let closeStream: nghttp2_on_stream_close_callback = { handle, id, errorCode, context in
  unsafe withSession(context) { session in
    unsafe withStream(handle, id) { session.remove($0, errorCode: errorCode) }
  }
  return 0
}

// Spec: W65 (RFC 9113, 8.1; a server that ends early says NO_ERROR)
private let sentFrame: nghttp2_on_frame_send_callback = { handle, frame, context in
  guard let frame = unsafe frame else { return 0 }
  let header = unsafe frame.pointee.hd
  if UInt32(header.type) == NGHTTP2_GOAWAY.rawValue {
    let code = unsafe frame.pointee.goaway.error_code
    if code != ErrorCode.noError { unsafe withSession(context) { $0.ownError = code } }
  }
  guard UInt32(header.type) == NGHTTP2_HEADERS.rawValue,
    header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
    unsafe frame.pointee.headers.cat != NGHTTP2_HCAT_REQUEST
  else { return 0 }
  unsafe withStream(handle, header.stream_id) { stream in
    if stream.isRemoteEnded { return }
    _ = unsafe nghttp2_submit_rst_stream(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), header.stream_id, ErrorCode.noError)
  }
  return 0
}

// Spec: W85 (A6: a request that never left)
private let dropFrame: nghttp2_on_frame_not_send_callback = { handle, frame, _, _ in
  guard let frame = unsafe frame, unsafe isHeaders(frame),
    unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
  else { return 0 }
  unsafe withStream(handle, frame.pointee.hd.stream_id) { $0.neverLeft = true }
  return 0
}

private let noteComplaint: nghttp2_error_callback2 = { _, _, text, count, context in
  let bytes = unsafe UnsafeRawBufferPointer(start: text, count: count)
  let complaint = unsafe String(decoding: bytes, as: UTF8.self)
  unsafe withSession(context) { $0.complaint = complaint }
  return 0
}

// MARK: - Outbound DATA

/// How much of a stream's outbound bytes goes into the next frame; the bytes themselves are
/// copied by `sendData`, straight into the connection's output.
let readOutbound: nghttp2_data_source_read_callback = {
  handle, id, _, maxCount, flags, source, _ in
  guard let source = unsafe source, let pointer = unsafe source.pointee.ptr,
    let flags = unsafe flags
  else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
  return unsafe Unmanaged<_HTTP2Stream>.fromOpaque(pointer)._withUnsafeGuaranteedRef { stream in
    let count = min(stream.outbound.count, maxCount)
    if count == 0, !stream.isOutboundEnded {
      stream.isDeferred = true
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    guard stream.isOutboundEnded, count == stream.outbound.count else { return count }
    unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
    guard let trailers = stream.trailers else { return count }
    unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
    // nghttp2 asks again when the frame has to wait, so this comes up to several times.
    if !stream.hasSubmittedTrailers {
      stream.hasSubmittedTrailers = true
      _ = unsafe nghttp2_submit_trailer(handle, id, trailers.fields, trailers.count)
    }
    return count
  }
}

private let frameHeaderBytes = 9

private let sendData: nghttp2_send_data_callback = { _, _, frameHeader, count, source, context in
  guard let source = unsafe source, let pointer = unsafe source.pointee.ptr,
    let context = unsafe context, let frameHeader = unsafe frameHeader
  else { return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
  return unsafe Unmanaged<HTTP2Session>.fromOpaque(context)._withUnsafeGuaranteedRef { session in
    guard session.hasOutputRoom else { return Int32(NGHTTP2_ERR_WOULDBLOCK.rawValue) }
    unsafe session.put(UnsafeRawBufferPointer(start: frameHeader, count: frameHeaderBytes))
    if count == 0 { return 0 }
    unsafe Unmanaged<_HTTP2Stream>.fromOpaque(pointer)._withUnsafeGuaranteedRef { stream in
      unsafe session.put(stream.outbound.slice(at: 0, count: count))
      stream.outbound.removeFirst(count)
      stream.sentOutbound()
    }
    return 0
  }
}
