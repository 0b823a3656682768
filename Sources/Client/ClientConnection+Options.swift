internal import TernEventLoop
internal import TernTransport

extension ClientConnection {
  /// A connection as a channel's options want it.
  convenience init(
    transport: ByteTransport, loop: EventLoop, options: ChannelOptions,
    owner: any ClientConnectionOwner
  ) throws {
    let keepalive = options.keepalive.map { keepalive in
      Keepalive(
        interval: max(keepalive.interval, ChannelOptions.Keepalive.smallestInterval),
        timeout: keepalive.timeout, withoutCalls: keepalive.withoutCalls)
    }
    var limits = ConnectionLimits()
    limits.streamWindowBytes = options.streamWindowBytes
    limits.maxStreamWindowBytes = options.maxStreamWindowBytes
    limits.connectionWindowBytes = options.connectionWindowBytes
    limits.maxHeaderListBytes = options.maxHeaderListBytes
    limits.receiveBudgetBytes = options.receiveBudgetBytes
    if let end = options.endOfStreamNumbers { limits.endOfStreamNumbers = end }
    try self.init(
      transport: transport, loop: loop, limits: limits, keepalive: keepalive, owner: owner,
      logger: options.logger)
  }
}
