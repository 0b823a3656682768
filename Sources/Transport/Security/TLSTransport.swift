internal import TernBytes
package import TernCore
package import TernEventLoop
package import TernTLS

/// TLS over another transport: whoever reads and writes it sees the plaintext.
///
/// Both directions are bounded: it reads as much as its reader has room for, and takes nothing new
/// to write while the transport beneath is full. A write may have to wait for a read, as in the
/// handshake, and the reverse: OpenSSL decides, and what it wants sent leaves with either.
@safe package final class TLSTransport: ByteTransport, TransportReceiver, @unchecked Sendable {
  // `@unchecked Sendable` as its superclass.
  private let inner: ByteTransport
  private let session: TLSSession
  private let loop: EventLoop
  private let gate: HandshakeGate?
  /// Ciphertext that the transport beneath did not take.
  private let unsent = ByteBuffer()
  private var isOpen = false

  /// Full enough to write. As much as a connection collects in plaintext, so that it leaves in as
  /// few writes; a peer that takes nothing leaves us with no more than this.
  private static let fullOutputBytes = 240 << 10
  private static let maxRecordBytes = 16 << 10
  /// The output buffer belongs to all connections of the loop: so much it may keep.
  private static let keptOutputBytes = 512 << 10

  /// - Parameter gate: Counts the handshakes of a loop; `nil` for clients, which have few.
  package init(
    over inner: ByteTransport, session: TLSSession, loop: EventLoop, gate: HandshakeGate?
  ) {
    self.inner = inner
    self.session = session
    self.loop = loop
    self.gate = gate
    super.init()
  }

  package override var localAddress: SocketAddress { inner.localAddress }
  package override var remoteAddress: SocketAddress { inner.remoteAddress }
  package override var hasUnsentBytes: Bool { !unsent.isEmpty }
  package override var isEstablished: Bool { session.isHandshakeDone }

  package override var negotiatedTLS: NegotiatedTLS? {
    session.isHandshakeDone ? session.negotiated() : nil
  }

  package override func open(
    on loop: EventLoop, receiver: any TransportReceiver
  ) throws(TransportError) {
    unsafe self.receiver = receiver
    isOpen = true
    try inner.open(on: loop, receiver: self)
    if session.context.role == .client {
      do throws(TLSFailure) {
        try session.start()
      } catch {
        throw .tls(error)
      }
      try sendOutput()
    }
  }

  // MARK: In

  package func transportIsReadable() {
    if !session.isHandshakeDone, let gate, !gate.admit(self) { return }
    continueReading()
  }

  /// The gate lets the handshake go on.
  func continueReading() {
    guard isOpen else { return }
    unsafe receiver?.transportIsReadable()
    // What came before the end was read; the end itself makes no socket readable.
    if session.isClosedByPeer { unsafe receiver?.transportIsReadable() }
  }

  @unsafe package override func read(
    into plaintext: UnsafeMutableRawBufferPointer
  ) throws(TransportError) -> Socket.ReadResult {
    if session.isClosedByPeer { return .endOfStream }
    let scratch = unsafe loop.spareReadBuffer.bytes
    var count = 0
    while true {
      // So that all plaintext of what is read fits.
      let room = min(scratch.count, plaintext.count - count - TLSSession.maxHeldBytes)
      if room < Self.maxRecordBytes { break }
      let chunk = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[..<room])
      let result = try unsafe inner.read(into: chunk)
      guard case .bytes(let readBytes) = result else {
        if case .endOfStream = result, count == 0 { throw .cutOff }
        break
      }
      count += try unsafe decrypt(
        UnsafeRawBufferPointer(rebasing: chunk[..<readBytes]),
        into: UnsafeMutableRawBufferPointer(rebasing: plaintext[count...]))
      if session.isClosedByPeer || readBytes < room { break }
    }
    if count > 0 { return .bytes(count) }
    return session.isClosedByPeer ? .endOfStream : .wouldBlock
  }

  private func decrypt(
    _ bytes: UnsafeRawBufferPointer, into plaintext: UnsafeMutableRawBufferPointer
  ) throws(TransportError) -> Int {
    let wasEstablished = session.isHandshakeDone
    let count: Int
    do throws(TLSFailure) {
      count = try unsafe session.receive(bytes, into: plaintext)
    } catch {
      // The alert that tells the peer what was wrong; that it arrives is not certain anyway.
      try? sendOutput()
      throw .tls(error)
    }
    try sendOutput()
    if !wasEstablished, session.isHandshakeDone { wakeWriter() }
    return count
  }

  // MARK: Out

  @unsafe package override func write(
    _ bytes: UnsafeRawBufferPointer
  ) throws(TransportError) -> Int {
    guard session.isHandshakeDone, try sendUnsent() else { return 0 }
    var taken = 0
    while taken < bytes.count {
      let end = min(taken + Self.maxRecordBytes, bytes.count)
      do throws(TLSFailure) {
        try unsafe session.send(UnsafeRawBufferPointer(rebasing: bytes[taken..<end]))
      } catch {
        throw .tls(error)
      }
      taken = end
      if taken == bytes.count || loop.spareOutput.count >= Self.fullOutputBytes {
        try sendOutput()
        if !unsent.isEmpty { break }
      }
    }
    return taken
  }

  /// Writes what the session has just produced.
  private func sendOutput() throws(TransportError) {
    let output = loop.spareOutput
    if output.isEmpty { return }
    defer { output.removeAll(keepingAtMost: Self.keptOutputBytes) }
    guard try sendUnsent() else { return unsafe unsent.append(output.readable) }
    let written = try unsafe writeInner(output.readable)
    if written == output.count { return }
    output.removeFirst(written)
    unsafe unsent.append(output.readable)
    inner.reportWritable(true)
  }

  /// - Returns: Whether nothing is left over.
  private func sendUnsent() throws(TransportError) -> Bool {
    if unsent.isEmpty { return true }
    let written = try unsafe writeInner(unsent.readable)
    unsent.removeFirst(written)
    guard unsent.isEmpty else { return false }
    unsent.removeAll(keepingAtMost: 0)
    inner.reportWritable(false)
    return true
  }

  /// A peer that has refused us says why and closes. Writing then fails, and the reason is to be
  /// read still.
  private func writeInner(_ bytes: UnsafeRawBufferPointer) throws(TransportError) -> Int {
    do throws(TransportError) {
      return try unsafe inner.write(bytes)
    } catch {
      let scratch = unsafe loop.spareReadBuffer.bytes
      let half = scratch.count / 2
      let chunk = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[..<(half / 2)])
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[half...])
      if case .bytes(let count)? = try? unsafe inner.read(into: chunk) {
        do throws(TLSFailure) {
          let received = unsafe UnsafeRawBufferPointer(rebasing: chunk[..<count])
          _ = try unsafe session.receive(received, into: rest)
        } catch {
          throw .tls(error)
        }
      }
      throw error
    }
  }

  package func transportIsWritable() {
    do throws(TransportError) {
      if try sendUnsent() { wakeWriter() }
    } catch {
      // The connection finds the same when it writes or reads.
      unsafe receiver?.transportIsReadable()
    }
  }

  /// Whether or not the connection has asked, as it need not (`reportWritable` does nothing here): it
  /// may have nothing more to write, and only wait until it can close.
  private func wakeWriter() { unsafe receiver?.transportIsWritable() }

  // MARK: End

  package override func close() {
    guard isOpen else { return inner.close() }
    isOpen = false
    session.close()
    try? sendOutput()
    unsafe receiver = nil
    inner.close()
  }
}
