internal import TernBytes
internal import TernEventLoop
internal import TernWire

/// zlib's state for the messages of the whole process: a compressor takes 260 KiB, a decompressor
/// 40 KiB, and to make one for each message would cost more than to compress it.
///
/// A message is compressed in one go, on the thread that sends it. So there are never more in use
/// than threads run, and it keeps as many as there are processors.
@safe final class CodecPool: @unchecked Sendable {
  // `@unchecked Sendable` because the lock guards both lists.
  static let shared = CodecPool(maxSpare: max(2, EventLoopGroup.usableProcessors))

  private let lock = Lock()
  private let maxSpare: Int
  private var deflaters: [Deflater] = []
  private var inflaters: [Inflater] = []

  init(maxSpare: Int) { self.maxSpare = maxSpare }

  // MARK: Compressors

  func takeDeflater(_ format: ZlibFormat, level: Int32) -> Deflater {
    lock.lock()
    // From the end: the one that was used last is still in the cache.
    let place = deflaters.lastIndex { $0.format == format && $0.level == level }
    let known = place.map { deflaters.remove(at: $0) }
    lock.unlock()
    return known ?? Deflater(format, level: level)
  }

  func giveBack(_ deflater: Deflater) {
    // One that got no memory: the next one may.
    if !deflater.isUsable { return }
    deflater.output.removeAll()
    lock.lock()
    deflaters.append(deflater)
    // The first one was not used for the longest time: of a level, maybe, that nobody uses now.
    let surplus = deflaters.count > maxSpare ? deflaters.removeFirst() : nil
    lock.unlock()
    withExtendedLifetime(surplus) {}
  }

  // MARK: Decompressors

  func takeInflater(_ format: ZlibFormat) -> Inflater {
    lock.lock()
    let place = inflaters.lastIndex { $0.format == format }
    let known = place.map { inflaters.remove(at: $0) }
    lock.unlock()
    return known ?? Inflater(format)
  }

  func giveBack(_ inflater: Inflater) {
    if !inflater.isUsable { return }
    lock.lock()
    inflaters.append(inflater)
    let surplus = inflaters.count > maxSpare ? inflaters.removeFirst() : nil
    lock.unlock()
    withExtendedLifetime(surplus) {}
  }

  // MARK: For tests

  var spareCounts: (deflaters: Int, inflaters: Int) {
    lock.lock()
    defer { lock.unlock() }
    return (deflaters.count, inflaters.count)
  }
}
