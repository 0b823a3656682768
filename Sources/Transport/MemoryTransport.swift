internal import TernBytes
package import TernEventLoop

/// One half of a pair in memory: what one half writes, the other reads.
package final class MemoryTransport: ByteTransport, @unchecked Sendable {
  // `@unchecked Sendable` because the two pipes have locks, and the rest belongs to the loop.
  private let inbound: MemoryPipe
  private let outbound: MemoryPipe

  private init(inbound: MemoryPipe, outbound: MemoryPipe) {
    self.inbound = inbound
    self.outbound = outbound
    super.init()
  }

  /// - Parameter capacityBytes: How much one half may write before the other has read.
  package static func makePair(capacityBytes: Int = 256 << 10) -> (MemoryTransport, MemoryTransport)
  {
    let there = MemoryPipe(capacityBytes: capacityBytes)
    let back = MemoryPipe(capacityBytes: capacityBytes)
    return (
      MemoryTransport(inbound: back, outbound: there),
      MemoryTransport(inbound: there, outbound: back)
    )
  }

  package override func open(
    on loop: EventLoop, receiver: any TransportReceiver
  ) throws(TransportError) {
    unsafe self.receiver = receiver
    // Strong references: `close` breaks them.
    inbound.onReadable { [self] in loop.submit { [self] in reportReadable() } }
    outbound.onWritable { [self] in loop.submit { [self] in reportRoom() } }
  }

  @unsafe package override func read(
    into bytes: UnsafeMutableRawBufferPointer
  ) throws(TransportError) -> Socket.ReadResult {
    unsafe inbound.read(into: bytes)
  }

  @unsafe package override func write(
    _ bytes: UnsafeRawBufferPointer
  ) throws(TransportError) -> Int {
    try unsafe outbound.write(bytes)
  }

  private func reportReadable() { unsafe receiver?.transportIsReadable() }
  private func reportRoom() { unsafe receiver?.transportIsWritable() }

  package override func close() {
    unsafe receiver = nil
    inbound.close()
    outbound.close()
  }
}

/// One direction of a pair in memory.
private final class MemoryPipe: @unchecked Sendable {
  // `@unchecked Sendable` because `lock` guards all variables.
  private let lock = Lock()
  private let bytes = ByteBuffer()
  private let capacityBytes: Int
  private var isClosed = false
  private var mustReportWritable = false
  private var reportReadable: (@Sendable () -> Void)?
  private var reportWritable: (@Sendable () -> Void)?

  init(capacityBytes: Int) { self.capacityBytes = capacityBytes }

  func onReadable(_ report: @escaping @Sendable () -> Void) {
    lock.lock()
    reportReadable = report
    let mustReport = !bytes.isEmpty || isClosed
    lock.unlock()
    if mustReport { report() }
  }

  func onWritable(_ report: @escaping @Sendable () -> Void) {
    lock.lock()
    reportWritable = report
    lock.unlock()
  }

  @unsafe func read(into target: UnsafeMutableRawBufferPointer) -> Socket.ReadResult {
    lock.lock()
    if bytes.isEmpty {
      defer { lock.unlock() }
      return isClosed ? .endOfStream : .wouldBlock
    }
    let count = min(bytes.count, target.count)
    unsafe target.copyMemory(from: bytes.slice(at: 0, count: count))
    bytes.removeFirst(count)
    let mustReport = mustReportWritable
    mustReportWritable = false
    let hasMore = !bytes.isEmpty
    let report = reportWritable
    let again = reportReadable
    lock.unlock()
    if mustReport { report?() }
    // A reader that stops early is told again, as a level-triggered socket would.
    if hasMore { again?() }
    return .bytes(count)
  }

  @unsafe func write(_ source: UnsafeRawBufferPointer) throws(TransportError) -> Int {
    lock.lock()
    if isClosed {
      lock.unlock()
      throw .system(.brokenPipe)
    }
    let count = min(source.count, capacityBytes - bytes.count)
    unsafe bytes.append(UnsafeRawBufferPointer(rebasing: source[..<count]))
    mustReportWritable = count < source.count
    let report = reportReadable
    lock.unlock()
    if count > 0 { report?() }
    return count
  }

  func close() {
    lock.lock()
    isClosed = true
    let readable = reportReadable
    let writable = reportWritable
    reportReadable = nil
    reportWritable = nil
    lock.unlock()
    readable?()
    writable?()
  }
}
