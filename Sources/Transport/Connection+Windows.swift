internal import Logging
internal import TernEventLoop
internal import TernHTTP2

// Windows grow on connections that carry more than the windows let through.
extension Connection {
  /// Tells the answers to these PINGs from those to keepalive's and to a drain's.
  static let windowPing: UInt64 = 0x7465_726E_7769_6E64

  /// Goes on with measuring, as enough DATA has come.
  final func tuneWindows() {
    switch tuner.advance(receivedBytes: session.receivedDataBytes, now: loop.now) {
    case .nothing: break
    case .sendPing: session.submitPing(Self.windowPing)
    case .grow: growWindows()
    }
  }

  /// Streams follow when they have news, see `CallStream.growWindow`.
  private func growWindows() {
    logger.debug(
      "Windows grow.", metadata: ["peer": "\(peer)", "bytes": "\(tuner.windowBytes)"])
    // Room for two streams at full speed. It takes no memory: what this window lets in counts in the
    // windows of streams.
    session.growConnectionWindow(to: 2 * tuner.windowBytes)
  }
}

extension CallStream {
  /// Smaller steps are not worth their frame.
  private static var minWindowGrowthBytes: Int { 64 << 10 }

  /// Lets a stream whose reader takes what comes have as much under way as its connection carries, as
  /// far as the connection's budget goes.
  final func growWindow(on connection: Connection) {
    // A stream that is short, as most are, needs no larger window than it began with.
    guard takenBytes >= connection.streamWindowBytes / 2 else { return }
    let wantedBytes = connection.tuner.windowBytes - windowBytes
    let bytes = connection.budget.reserveWindow(
      upTo: wantedBytes, atLeast: min(wantedBytes, Self.minWindowGrowthBytes))
    if bytes == 0 { return }
    windowBytes += bytes
    addedWindowBytes += bytes
    connection.session.growWindow(of: self, to: windowBytes)
  }

  /// Nothing more is kept of what comes on the stream.
  final func returnWindow() {
    if addedWindowBytes == 0 { return }
    connection?.budget.releaseWindow(addedWindowBytes)
    addedWindowBytes = 0
  }
}
