internal import CNghttp2
internal import TernBytes

/// The HTTP/2 protocol of one connection. Bytes in, events out; frames in, bytes out.
///
/// Does no I/O and keeps no clock. Wraps one `nghttp2_session`, which only one thread at a time
/// may use: keep it on its event loop.
///
/// Flow control is manual: a connection's window is given back as bytes arrive, so that one slow
/// stream never stalls the others; a stream's window when its reader says so (`consume`).
///
/// Source: <https://nghttp2.org/documentation/programmers-guide.html>
@safe package final class HTTP2Session: @unchecked Sendable {
  // `@unchecked Sendable` because only the loop of its connection touches it.

  package enum Role: Sendable { case client, server }

  private(set) var handle: OpaquePointer?
  private let memory: SessionMemory?
  let settings: HTTP2Settings
  // `unowned(unsafe)` because the owner outlives its session, and a weak reference would make
  // every retain and release of the owner slow.
  unowned(unsafe) var receiver: (any SessionReceiver)?
  /// Whose header block comes in; the blocks of two streams never mix (RFC 9113, 6.2).
  var incoming: Unmanaged<_HTTP2Stream>?
  var firstOpen: Unmanaged<_HTTP2Stream>?
  private var openCount = 0
  /// Set by ``closeAllStreams(errorCode:)``: nghttp2 still knows streams that are no longer ours.
  private(set) var isClosed = false

  /// Bytes received whose credit the connection has not got back yet.
  var unreturnedConnectionBytes = 0
  private var returnedConnectionBytes = 0
  /// `returnedConnectionBytes` when credit went back before nghttp2 would have given it.
  private var creditedConnectionBytes = 0
  var connectionWindowBytes: Int
  /// Credit goes back a quarter of a window at a time. What is withheld is missing to a sender on a long
  /// link: nghttp2's own way is half a window.
  static let creditParts = 4
  /// DATA received since the session began, in bytes.
  package var receivedDataBytes: Int { returnedConnectionBytes + unreturnedConnectionBytes }
  /// What nghttp2 complained of last; it becomes part of an error.
  package var lastComplaint: String { complaint }
  var complaint = ""
  /// The error with which we ended the session, because the peer broke the protocol.
  package var terminationCode: UInt32? { ownError }
  var ownError: UInt32?

  // While `pull` runs.
  var output: UnsafeMutableRawPointer?
  var outputRoom = 0
  var outputCount = 0
  /// What did not fit: the rest of a frame, which goes first next time.
  let leftover = ByteBuffer()

  /// - Parameter memory: What nghttp2 allocates from; `nil` for `malloc`.
  package init(
    role: Role, settings: HTTP2Settings, memory: SessionMemory? = nil
  ) throws(HTTP2Error) {
    self.settings = settings
    self.memory = memory
    connectionWindowBytes = settings.connectionWindowBytes
    var option: OpaquePointer?
    try check("nghttp2_option_new") { unsafe nghttp2_option_new(&option) }
    defer { unsafe nghttp2_option_del(option) }
    // Spec: W84 (RFC 9113, 5.2; windows are ours to give back)
    unsafe nghttp2_option_set_no_auto_window_update(option, 1)
    // Closed streams are not kept for RFC 7540's priorities, which nobody uses.
    unsafe nghttp2_option_set_no_closed_streams(option, 1)
    // Until the server's SETTINGS are here, as many as gRPC libraries commonly allow.
    unsafe nghttp2_option_set_peer_max_concurrent_streams(option, 100)

    // Unretained: nghttp2 calls back only from within our own calls below, and `deinit` deletes
    // the session before `self` is gone.
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    let callbacks = unsafe SessionCallbacks.shared.handle
    // A variable, for one `inout` of a property makes each use of it pay for a check at run time.
    var handle: OpaquePointer?
    switch role {
    case .server:
      try check("nghttp2_session_server_new3") {
        unsafe nghttp2_session_server_new3(
          &handle, callbacks, context, option, memory?.functions)
      }
    case .client:
      try check("nghttp2_session_client_new3") {
        unsafe nghttp2_session_client_new3(
          &handle, callbacks, context, option, memory?.functions)
      }
    }
    unsafe self.handle = handle
    try announce(role)
  }

  deinit {
    // Nobody is told: whoever drops a session with open streams is going as well.
    while let stream = unsafe firstOpen?.takeUnretainedValue() {
      remove(stream, errorCode: ErrorCode.cancel, isTold: false)
    }
    unsafe nghttp2_session_del(handle)
  }

  /// SETTINGS, and the connection's window, which SETTINGS cannot set.
  private func announce(_ role: Role) throws(HTTP2Error) {
    var entries = [
      entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.streamWindowBytes),
      entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.maxHeaderListBytes),
    ]
    switch role {
    // Spec: W80 (RFC 9113, 5.1.2; nghttp2's own default is unlimited)
    case .server:
      entries.append(entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.maxConcurrentStreams))
    // Spec: W83 (gRPC uses no server push)
    case .client: entries.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
    }
    try check("nghttp2_submit_settings") {
      unsafe nghttp2_submit_settings(
        handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
    }
    try check("nghttp2_session_set_local_window_size") {
      unsafe nghttp2_session_set_local_window_size(
        handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0,
        Int32(clamping: settings.connectionWindowBytes))
    }
  }

  private func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
    nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(clamping: value))
  }

  /// Names whoever owns the session; to be called before the first bytes come.
  package func report(to receiver: any SessionReceiver) { unsafe self.receiver = receiver }

  // MARK: Bytes

  /// Feeds bytes from the peer. Streams and the receiver hear what they meant.
  ///
  /// - Throws: when nothing can save the connection (wrong preface, flood, no memory): close it.
  ///   Lesser faults of the peer do not throw; nghttp2 answers them itself, see ``pull(into:)``.
  @unsafe package func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) {
    if isClosed { return }
    let consumed = unsafe nghttp2_session_mem_recv(
      handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    guard consumed >= 0 else {
      throw HTTP2Error(
        code: Int32(truncatingIfNeeded: consumed), function: "nghttp2_session_mem_recv",
        details: complaint)
    }
    returnConnectionCredit()
  }

  // Spec: W84 (connection window refilled on receipt)
  private func returnConnectionCredit() {
    if unreturnedConnectionBytes == 0 { return }
    // It fails only for lack of memory or a wrong count, and then the next call says so as well.
    _ = unsafe nghttp2_session_consume_connection(handle, unreturnedConnectionBytes)
    returnedConnectionBytes += unreturnedConnectionBytes
    unreturnedConnectionBytes = 0
    let part = connectionWindowBytes / Self.creditParts
    guard returnedConnectionBytes - creditedConnectionBytes >= part else { return }
    creditedConnectionBytes = returnedConnectionBytes
    // All that came, padding and what belongs to no stream any more: nothing of it is kept here.
    let received = unsafe nghttp2_session_get_effective_recv_data_length(handle)
    submitCredit(Int(received), atLeast: part, streamID: 0)
  }

  /// Writes what the peer should get next into `buffer`.
  ///
  /// - Returns: How many bytes; less than the buffer holds only if there is no more to send now.
  @unsafe package func pull(into buffer: UnsafeMutableRawBufferPointer) throws(HTTP2Error) -> Int {
    if isClosed { return 0 }
    unsafe output = buffer.baseAddress
    outputRoom = buffer.count
    outputCount = 0
    defer { unsafe output = nil }

    let restCount = min(leftover.count, outputRoom)
    unsafe put(UnsafeRawBufferPointer(rebasing: leftover.readable[..<restCount]))
    leftover.removeFirst(restCount)
    while outputCount < outputRoom {
      var start: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(handle, &start)
      guard count >= 0 else {
        throw HTTP2Error(
          code: Int32(truncatingIfNeeded: count), function: "nghttp2_session_mem_send",
          details: complaint)
      }
      if count == 0 { break }
      unsafe put(UnsafeRawBufferPointer(start: start, count: count))
    }
    return outputCount
  }

  /// Whether another DATA frame may be made: only while some of it fits, so that no more than a
  /// frame or two wait in ``leftover``.
  var hasOutputRoom: Bool { outputCount < outputRoom }

  /// Adds to the output what fits, and to ``leftover`` what does not.
  func put(_ bytes: UnsafeRawBufferPointer) {
    guard let output = unsafe output, let start = bytes.baseAddress else { return }
    let count = min(bytes.count, outputRoom - outputCount)
    unsafe (output + outputCount).copyMemory(from: start, byteCount: count)
    outputCount += count
    if count < bytes.count {
      unsafe leftover.append(UnsafeRawBufferPointer(rebasing: bytes[count...]))
    }
  }

  /// Whether there may be bytes for ``pull(into:)``.
  package var wantsToSend: Bool {
    !isClosed && (!leftover.isEmpty || (unsafe nghttp2_session_want_write(handle)) != 0)
  }

  /// Whether all is said: nothing more will be sent or received.
  package var isOver: Bool {
    isClosed || !wantsToSend && (unsafe nghttp2_session_want_read(handle)) == 0
  }

  // MARK: Streams

  package var openStreamCount: Int { openCount }

  func add(_ stream: _HTTP2Stream, id: Int32) {
    stream.streamID = id
    stream.isInSession = true
    stream.windowBytes = settings.streamWindowBytes
    let reference = unsafe Unmanaged.passRetained(stream)  // released by `remove`
    unsafe stream.previousOpen = nil
    unsafe stream.nextOpen = firstOpen
    unsafe firstOpen?._withUnsafeGuaranteedRef { unsafe $0.previousOpen = reference }
    unsafe firstOpen = reference
    openCount += 1
  }

  /// - Parameter isTold: Whether the stream hears of it.
  func remove(_ stream: _HTTP2Stream, errorCode: UInt32, isTold: Bool = true) {
    let next = unsafe stream.nextOpen
    let previous = unsafe stream.previousOpen
    if let previous = unsafe previous {
      unsafe previous._withUnsafeGuaranteedRef { unsafe $0.nextOpen = next }
    } else {
      unsafe firstOpen = next
    }
    unsafe next?._withUnsafeGuaranteedRef { unsafe $0.previousOpen = previous }
    unsafe stream.nextOpen = nil
    unsafe stream.previousOpen = nil
    stream.isInSession = false
    // Only its own: another one's header block may have come in half.
    if unsafe incoming?.toOpaque() == Unmanaged.passUnretained(stream).toOpaque() {
      unsafe incoming = nil
    }
    openCount -= 1
    if isTold { stream.receiveClose(errorCode: errorCode) }
    unsafe Unmanaged.passUnretained(stream).release()
  }

  /// Tells all open streams that they are gone, which deleting the nghttp2 session does not, and
  /// ends the session: it takes and gives no more bytes, and opens no streams.
  package func closeAllStreams(errorCode: UInt32) {
    isClosed = true
    leftover.removeAll(keepingAtMost: 0)
    while let stream = unsafe firstOpen?.takeUnretainedValue() {
      remove(stream, errorCode: errorCode)
    }
  }
}
