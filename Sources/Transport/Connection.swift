package import Logging
internal import TernBytes
internal import TernCore
package import TernEventLoop
package import TernHTTP2

/// One connection: a transport and the HTTP/2 session that runs over it, on one loop.
///
/// Everything that the connection has to say within a turn of the loop leaves in one write at the
/// end of the turn.
@safe package class Connection: Flushable, TransportReceiver, SessionReceiver, @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it.

  /// Reads of a turn: more would let one busy connection starve its neighbours. epoll is
  /// level-triggered here and calls again.
  private static let maxReadsPerTurn = 4
  /// Buffers written in a turn, for the same reason.
  private static let maxWritesPerTurn = 4

  package final let loop: EventLoop
  package final let session: HTTP2Session
  package final let logger: Logger
  final let endpoints: Endpoints
  package final var peer: SocketAddress { endpoints.peer }
  final let transport: ByteTransport
  final let budget: ReceiveBudget
  /// What a stream's window begins with.
  final let streamWindowBytes: Int
  final var tuner: WindowTuner

  /// What the transport did not take; while there is some, nothing new is collected.
  private let unwritten = ByteBuffer()
  package final var isDirty: Bool {
    get { dirty }
    set { dirty = newValue }
  }
  private var dirty = false
  /// Streams that have noted something to act on, linked by `nextChanged`.
  private var firstChanged: Unmanaged<CallStream>?
  private var lastChanged: Unmanaged<CallStream>?
  /// What the session said of the connection as a whole.
  private var notes: [Note] = []
  package final var isClosed: Bool { closed }
  private var closed = false
  /// When bytes last came, on the loop's clock.
  final private(set) var lastReadNanoseconds: Int64 = 0
  private var hasReceivedBytes = false

  enum Note {
    case settings
    case pingAcknowledgement(UInt64)
    case goAway(lastStreamID: Int32, errorCode: UInt32, debugText: String)
  }

  init(
    role: HTTP2Session.Role, transport: ByteTransport, loop: EventLoop, limits: ConnectionLimits,
    logger: Logger
  ) throws(HTTP2Error) {
    self.loop = loop
    self.transport = transport
    self.logger = logger
    endpoints = Endpoints(peer: transport.remoteAddress, local: transport.localAddress)
    budget = ReceiveBudget(totalBytes: limits.receiveBudgetBytes)
    streamWindowBytes = limits.streamWindowBytes
    tuner = WindowTuner(
      windowBytes: limits.streamWindowBytes, maxWindowBytes: limits.maxStreamWindowBytes)
    session = try HTTP2Session(
      role: role, settings: limits.settings, memory: Self.memory(of: loop))
    session.report(to: self)
  }

  deinit {
    // What was noted after the last time that it was acted upon.
    while let stream = popChanged() { stream.isNoted = false }
  }

  /// One for all sessions of a loop.
  private static func memory(of loop: EventLoop) -> SessionMemory? {
    guard loop.isCurrent else { return nil }
    if let known = loop.sharedByConnections as? SessionMemory { return known }
    let made = SessionMemory()
    loop.sharedByConnections = made
    return made
  }

  /// Begins to read, and sends our SETTINGS. On the loop.
  package func start() {
    loop.addConnection()
    lastReadNanoseconds = loop.now
    do throws(TransportError) {
      try transport.open(on: loop, receiver: self)
    } catch {
      return close(ConnectionEnd(error, while: "opening the connection"))
    }
    loop.markDirty(self)
  }

  // MARK: In

  package final func transportIsReadable() {
    let buffer = unsafe loop.readBuffer.bytes
    for _ in 0..<Self.maxReadsPerTurn {
      if isClosed { return }
      do throws(TransportError) {
        switch try unsafe transport.read(into: buffer) {
        case .wouldBlock: return
        case .endOfStream: return close(.endOfStream)
        case .bytes(let count):
          unsafe receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
          if count < buffer.count { return }
        }
      } catch {
        return close(ConnectionEnd(error, while: "reading"))
      }
    }
  }

  private func receive(_ bytes: UnsafeRawBufferPointer) {
    lastReadNanoseconds = loop.now
    let isFirst = !hasReceivedBytes
    if isFirst {
      hasReceivedBytes = true
      endpoints.tls = transport.negotiatedTLS
    }
    do throws(HTTP2Error) {
      try unsafe session.receive(bytes)
    } catch {
      actOnChanges()
      sayGoodbye(error)
      let hint = isFirst ? unsafe Self.hint(onForeignBytes: bytes) : ""
      return close(ConnectionEnd("the peer broke HTTP/2: \(error)\(hint)", isPeersFault: true))
    }
    actOnChanges()
    actOnNotes()
    if session.receivedDataBytes >= tuner.nextBytes, !isClosed { tuneWindows() }
    loop.markDirty(self)
  }

  /// Tells the peer why, if it is to be had now: the connection closes in any case.
  private func sayGoodbye(_ error: HTTP2Error) {
    guard !isClosed, unwritten.isEmpty, let frame = session.farewell(for: error) else { return }
    unwritten.append(contentsOf: frame)
    do throws(TransportError) {
      _ = try writeUnwritten()
    } catch {
      logger.debug(
        "A GOAWAY could not be sent.", metadata: ["peer": "\(peer)", "reason": "\(error)"])
    }
  }

  /// What people usually have done when the first bytes are not HTTP/2.
  private static func hint(onForeignBytes bytes: UnsafeRawBufferPointer) -> String {
    let tlsHandshake: [UInt8] = [0x16, 0x03]
    if unsafe bytes.starts(with: tlsHandshake) {
      return
        ". These bytes are TLS, and this port is plaintext: use the same credentials on both sides"
    }
    let http1Methods = ["GET ", "POST ", "HEAD ", "PUT ", "OPTIONS ", "HTTP/1"]
    if http1Methods.contains(where: { unsafe bytes.starts(with: $0.utf8) }) {
      return ". These bytes are HTTP/1.1, and gRPC needs HTTP/2 with prior knowledge"
    }
    return ""
  }

  // MARK: Out

  package final func flush() {
    if isClosed { return }
    do throws(TransportError) {
      try write()
    } catch {
      return close(ConnectionEnd(error, while: "writing"))
    }
    actOnChanges()
    guard !isClosed, unwritten.isEmpty, session.isOver else { return }
    if !transport.hasUnsentBytes { close(endOfSession) }
  }

  private var endOfSession: ConnectionEnd {
    guard let code = session.terminationCode else { return .finished }
    let complaint = session.lastComplaint.isEmpty ? "" : ": \(session.lastComplaint)"
    return ConnectionEnd("the peer broke HTTP/2 (error \(code))\(complaint)", isPeersFault: true)
  }

  private func write() throws(TransportError) {
    guard try writeUnwritten() else { return }
    let buffer = unsafe loop.writeBuffer.bytes
    for _ in 0..<Self.maxWritesPerTurn {
      let count: Int
      do throws(HTTP2Error) {
        count = try unsafe session.pull(into: buffer)
      } catch {
        return close(ConnectionEnd("\(error)"))
      }
      if count == 0 { return }
      let written = try unsafe transport.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      if written < count {
        unsafe unwritten.append(UnsafeRawBufferPointer(rebasing: buffer[written..<count]))
        transport.reportWritable(true)
        return
      }
      // Less than a buffer full: that was all.
      if count < buffer.count / 2 { return }
    }
    loop.markDirty(self)
  }

  /// - Returns: Whether nothing is left over.
  private func writeUnwritten() throws(TransportError) -> Bool {
    if unwritten.isEmpty { return true }
    let written = try unsafe transport.write(unwritten.readable)
    unwritten.removeFirst(written)
    guard unwritten.isEmpty else { return false }
    unwritten.removeAll(keepingAtMost: 0)
    transport.reportWritable(false)
    return true
  }

  package final func transportIsWritable() { loop.markDirty(self) }

  /// Runs one submission to the session. What fails here fails for lack of memory or because the
  /// stream is closed already, of which the stream hears anyway.
  final func submit(_ body: (HTTP2Session) throws(HTTP2Error) -> Void) {
    do throws(HTTP2Error) {
      try body(session)
    } catch {
      logger.debug("HTTP/2 refused a frame.", metadata: ["peer": "\(peer)", "reason": "\(error)"])
    }
  }

  // MARK: What streams noted

  /// Has `stream` act after the session has returned.
  final func noteChange(of stream: CallStream) {
    if stream.isNoted { return }
    stream.isNoted = true
    // By hand, for one count a note: the list is the only one that knows a stream which has ended.
    let link = unsafe Unmanaged.passRetained(stream)
    if let last = unsafe lastChanged {
      unsafe last._withUnsafeGuaranteedRef { unsafe $0.nextChanged = link }
    } else {
      unsafe firstChanged = link
    }
    unsafe lastChanged = link
  }

  private func actOnChanges() {
    while let stream = popChanged() {
      stream.isNoted = false
      stream.act()
    }
  }

  @inline(__always)
  private func popChanged() -> CallStream? {
    guard let stream = unsafe firstChanged?.takeRetainedValue() else { return nil }
    unsafe firstChanged = stream.nextChanged
    if unsafe firstChanged == nil { unsafe lastChanged = nil }
    unsafe stream.nextChanged = nil
    return stream
  }

  /// Acts on what streams noted outside of reading and writing, such as a call that was given up.
  final func setDirty() { loop.markDirty(self) }

  private func actOnNotes() {
    if notes.isEmpty { return }
    let current = notes
    notes.removeAll(keepingCapacity: true)
    for note in current where !isClosed { act(on: note) }
  }

  // MARK: End

  /// Ends the connection at once: every stream hears of it, and the socket closes.
  package final func close(_ end: ConnectionEnd) {
    if isClosed { return }
    closed = true
    willClose(end)
    transport.close()
    loop.removeConnection()
    session.closeAllStreams(errorCode: ErrorCode.cancel)
    actOnChanges()
    didClose(end)
  }

  // MARK: For subclasses

  func act(on note: Note) {}
  func willClose(_ end: ConnectionEnd) {}
  func didClose(_ end: ConnectionEnd) {}
  /// A stream of ours is gone from the session.
  func didClose(_ stream: CallStream) {}

  // MARK: SessionReceiver

  package func makeStream() -> _HTTP2Stream? { nil }

  package final func receiveSettings() { notes.append(.settings) }

  package final func receivePingAcknowledgement(_ opaque: UInt64) {
    if opaque == Self.windowPing { return tuner.receiveAnswer(now: loop.now) }
    notes.append(.pingAcknowledgement(opaque))
  }

  package final func receiveGoAway(lastStreamID: Int32, errorCode: UInt32, debugText: String) {
    notes.append(
      .goAway(lastStreamID: lastStreamID, errorCode: errorCode, debugText: debugText))
  }
}

/// Whom a connection connects. An object, as each call refers to it.
final class Endpoints: @unchecked Sendable {
  // `@unchecked Sendable` because `tls` is set before the first call begins, and never again.
  let peer: SocketAddress
  let local: SocketAddress
  /// How the connection is secured; `nil` for plaintext.
  var tls: NegotiatedTLS?

  init(peer: SocketAddress, local: SocketAddress) {
    self.peer = peer
    self.local = local
  }
}

/// Why a connection ended.
package struct ConnectionEnd: Sendable {
  /// For a log, or for the message of an error.
  package let reason: String
  /// Whether the peer did something that it must not do.
  package let isPeersFault: Bool
  /// Whether TLS refused the peer, or the peer us: trying again at once would end the same way.
  package let isTLSFailure: Bool

  init(_ reason: String, isPeersFault: Bool = false, isTLSFailure: Bool = false) {
    self.reason = reason
    self.isPeersFault = isPeersFault
    self.isTLSFailure = isTLSFailure
  }

  init(_ error: TransportError, while doing: String) {
    switch error {
    case .system: self.init("\(doing) failed: \(error)")
    case .tls: self.init("\(error)", isPeersFault: true, isTLSFailure: true)
    case .cutOff: self.init("\(error)")
    }
  }

  static let endOfStream = ConnectionEnd("the peer closed the connection")
  static let finished = ConnectionEnd("both sides are done")
}
