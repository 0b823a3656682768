internal import CNghttp2
internal import TernBytes

extension HTTP2Session {
  // MARK: Opening and answering

  /// Opens a stream to the server.
  ///
  /// - Parameter endOfStream: Nothing will follow the head. Else `stream.outbound` is sent until
  ///   ``endOutbound(of:trailers:)``.
  package func submitRequest(
    _ head: HeaderBlock, stream: _HTTP2Stream, endOfStream: Bool = false
  ) throws(HTTP2Error) {
    if isClosed {
      throw HTTP2Error(
        code: Int32(NGHTTP2_ERR_SESSION_CLOSING.rawValue), function: "nghttp2_submit_request")
    }
    let context = unsafe Unmanaged.passUnretained(stream).toOpaque()
    stream.head = head
    var provider = unsafe dataProvider(for: stream)
    let id =
      unsafe endOfStream
      ? nghttp2_submit_request(handle, nil, head.fields, head.count, nil, context)
      : nghttp2_submit_request(handle, nil, head.fields, head.count, &provider, context)
    guard id > 0 else { throw HTTP2Error(code: id, function: "nghttp2_submit_request") }
    stream.isOutboundEnded = endOfStream
    add(stream, id: id)
  }

  /// Answers a stream of a client. `stream.outbound` is sent until ``endOutbound(of:trailers:)``.
  package func submitResponse(_ head: HeaderBlock, stream: _HTTP2Stream) throws(HTTP2Error) {
    stream.head = head
    var provider = unsafe dataProvider(for: stream)
    try check("nghttp2_submit_response") {
      unsafe nghttp2_submit_response(handle, stream.streamID, head.fields, head.count, &provider)
    }
  }

  // Spec: W55 (PROTOCOL-HTTP2, Trailers-Only)
  /// Answers a stream of a client with one header block and nothing else.
  package func submitTrailersOnly(_ trailers: HeaderBlock, stream: _HTTP2Stream) throws(HTTP2Error)
  {
    stream.head = trailers
    stream.isOutboundEnded = true
    try check("nghttp2_submit_response") {
      unsafe nghttp2_submit_response(
        handle, stream.streamID, trailers.fields, trailers.count, nil)
    }
  }

  /// Says that nothing is added to `stream.outbound` any more. A server adds its trailers.
  package func endOutbound(of stream: _HTTP2Stream, trailers: HeaderBlock? = nil) {
    stream.isOutboundEnded = true
    stream.trailers = trailers
    resume(stream)
  }

  /// Says that there is something new in `stream.outbound`.
  package func resume(_ stream: _HTTP2Stream) {
    guard stream.isDeferred else { return }
    stream.isDeferred = false
    // It fails only if the stream is closed, which the stream has heard or will hear.
    _ = unsafe nghttp2_session_resume_data(handle, stream.streamID)
  }

  private func dataProvider(for stream: _HTTP2Stream) -> nghttp2_data_provider {
    // Unretained: nghttp2 forgets the provider when it closes the stream, and until then the
    // session's list holds the stream.
    unsafe nghttp2_data_provider(
      source: nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque()),
      read_callback: readOutbound)
  }

  // MARK: Ending

  /// Ends a stream at once, in both directions. Does nothing if it is closed.
  package func reset(_ stream: _HTTP2Stream, errorCode: UInt32) {
    if !stream.isInSession { return }
    // It fails only for lack of memory; the connection then ends by the next call.
    _ = unsafe nghttp2_submit_rst_stream(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.streamID, errorCode)
  }

  // Spec: W78 (RFC 9113, 6.8; graceful shutdown)
  /// GOAWAY with the largest stream number: no new streams, please, but those under way are fine.
  package func submitShutdownNotice() {
    _ = unsafe nghttp2_submit_shutdown_notice(handle)
  }

  /// GOAWAY with the number of the last stream that we took.
  package func submitGoAway(errorCode: UInt32, debugText: String = "") {
    let last = unsafe nghttp2_session_get_last_proc_stream_id(handle)
    let text = Array(debugText.utf8)
    _ = unsafe nghttp2_submit_goaway(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, errorCode, text, text.count)
  }

  /// GOAWAY for an error behind which nghttp2 takes and gives no more bytes.
  ///
  /// - Returns: `nil` where it would stand inside of another frame, or the peer does not speak HTTP/2.
  package func farewell(for error: HTTP2Error) -> [UInt8]? {
    if isClosed || !leftover.isEmpty || error.isWrongPreface { return nil }
    let last = unsafe nghttp2_session_get_last_proc_stream_id(handle)
    let payload = [UInt32(bitPattern: last), error.goAwayCode].flatMap { number in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
    let kind = UInt8(truncatingIfNeeded: NGHTTP2_GOAWAY.rawValue)
    return [0, 0, UInt8(payload.count), kind, 0, 0, 0, 0, 0] + payload
  }

  package func submitPing(_ opaque: UInt64) {
    unsafe withUnsafeBytes(of: opaque.bigEndian) { bytes in
      _ = unsafe nghttp2_submit_ping(
        handle, UInt8(NGHTTP2_FLAG_NONE.rawValue),
        bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
  }

  // MARK: Windows

  // Spec: W84 (stream window given back as the application takes bytes)
  /// Gives the peer credit for `count` bytes of a stream.
  package func consume(_ count: Int, of stream: _HTTP2Stream) {
    stream.unreturnedBytes += count
    if stream.unreturnedBytes >= stream.windowBytes / Self.creditParts, stream.isInSession {
      submitCredit(stream.unreturnedBytes, streamID: stream.streamID)
      stream.unreturnedBytes = 0
    }
  }

  func submitCredit(_ count: Int, streamID: Int32) {
    if count == 0 { return }
    // It fails only for lack of memory, and then the next call says so as well.
    _ = unsafe nghttp2_submit_window_update(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), streamID, Int32(clamping: count))
  }

  /// Lets the peer have more under way on all streams together, from now on. Does nothing if it may
  /// have as much already.
  package func growConnectionWindow(to bytes: Int) {
    if bytes <= connectionWindowBytes { return }
    connectionWindowBytes = bytes
    growWindow(ofStream: 0, to: bytes)
  }

  /// Lets the peer have more under way on a stream, from now on.
  package func growWindow(of stream: _HTTP2Stream, to bytes: Int) {
    if !stream.isInSession { return }
    stream.windowBytes = bytes
    growWindow(ofStream: stream.streamID, to: bytes)
  }

  private func growWindow(ofStream id: Int32, to bytes: Int) {
    // It fails only for lack of memory, and the window stays as it was.
    _ = unsafe nghttp2_session_set_local_window_size(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, Int32(clamping: bytes))
  }

  // MARK: What the peer announced

  /// How many streams the peer lets us have at once.
  package var remoteMaxConcurrentStreams: Int {
    Int(
      unsafe nghttp2_session_get_remote_settings(
        handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
  }

  /// The largest header block that the peer says it accepts.
  package var remoteMaxHeaderListBytes: Int {
    Int(unsafe nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE))
  }

  // Spec: W30 (grpc-go: nothing is sent above the limit of the other side)
  // Spec: W32 (nghttp2 sends no header block above 64 KiB)
  /// The largest header block that can be sent, counted as HTTP/2 counts it.
  package var maxSendableHeaderListBytes: Int { min(remoteMaxHeaderListBytes, 64 << 10) }

  /// Whether another stream may be opened: not after GOAWAY, and not when the numbers are used up.
  package var canOpenStreams: Bool {
    let isAllowed = unsafe nghttp2_session_check_request_allowed(handle) != 0
    return isAllowed && hasStreamNumbers
  }

  /// Whether there are numbers for further streams.
  package var hasStreamNumbers: Bool {
    (unsafe nghttp2_session_get_next_stream_id(handle)) < settings.endOfStreamNumbers
  }
}
