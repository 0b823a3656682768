package import TernBytes
internal import TernHTTP2

/// What a peer may have us keep, and how much at once.
package struct ConnectionLimits: Sendable {
  /// Calls that a client may have open at once. Servers only.
  package var maxConcurrentStreams = 100
  /// What a peer may send on one call before it was taken.
  package var streamWindowBytes = 256 << 10
  /// How far `streamWindowBytes` may grow on a connection that carries more.
  package var maxStreamWindowBytes = 16 << 20
  /// What a peer may send on all calls together before we have received it.
  package var connectionWindowBytes = 1 << 20
  /// The header block that we announce as our limit; up to twice as much is accepted.
  package var maxHeaderListBytes = 8 << 10
  /// What messages longer than their stream's window may take while they come in, and what windows
  /// have grown by.
  package var receiveBudgetBytes = 32 << 20

  /// From this number on no streams are opened on the connection. Clients only.
  package var endOfStreamNumbers = HTTP2Settings().endOfStreamNumbers

  package init() {}

  var settings: HTTP2Settings {
    var settings = HTTP2Settings()
    settings.maxConcurrentStreams = maxConcurrentStreams
    settings.streamWindowBytes = streamWindowBytes
    settings.connectionWindowBytes = connectionWindowBytes
    settings.maxHeaderListBytes = maxHeaderListBytes
    settings.hardMaxHeaderListBytes = hardMaxHeaderListBytes
    settings.endOfStreamNumbers = endOfStreamNumbers
    return settings
  }

  var hardMaxHeaderListBytes: Int { 2 * maxHeaderListBytes }
}

/// The header fields of a request, ready to be sent, often.
package struct RequestHeadBlock: Sendable {
  let block: HeaderBlock

  /// The fields of all blocks, in order. The blocks must not change any more.
  package init(_ blocks: [FieldBlock]) { block = HeaderBlock(blocks) }
}
