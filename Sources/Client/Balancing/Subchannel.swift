internal import Logging
internal import TernCore
internal import TernEventLoop
internal import TernTransport

/// Hears of a subchannel's news.
protocol SubchannelOwner: AnyObject {
  /// Its state has changed, or it has room for more calls.
  func subchannelChanged(_ subchannel: Subchannel)
  /// A call that no server has looked at.
  func sendAgain(_ stream: ClientStream)
}

/// At most one connection to one of the addresses of a target, made when it is needed.
///
/// On its channel's loop only.
///
///     idle ── connect ──▶ connecting ── SETTINGS ──▶ ready ── GOAWAY, lost ──▶ idle
///                          │    ▲
///                  failed  ▼    │ a call is waiting
///                     transientFailure ── time is over ──▶ idle
@safe final class Subchannel: ClientConnectionOwner {
  // Spec: W96 (connectivity states)
  enum State {
    case idle
    case connecting
    case ready(ClientConnection)
    /// The last attempt failed, and the next one has to wait.
    case transientFailure(Status)
    case shutdown(Status)
  }

  private(set) var state = State.idle
  private let target: Target
  private let loop: EventLoop
  /// As the channel's, but for the keepalive interval, which grows if the server finds it too short.
  private var options: ChannelOptions
  /// `nil`: plaintext.
  private let security: ChannelSecurity?
  private weak var owner: (any SubchannelOwner)?

  private var failures = 0
  private var addresses: [SocketAddress] = []
  private var lastFailure = ""
  private var attempt: ConnectAttempt?
  private var pending: ClientConnection?
  /// A connection that is cut before it speaks is tried again once at once: that happens when a
  /// listener is replaced by another.
  private var mayRepeatAtOnce = true
  /// Tells the answer of an old look-up from that of the current one.
  private var lookUpNumber = 0
  private lazy var backoffTimer = LoopTimer { [unowned self] in backoffIsOver() }
  private lazy var connectTimer = LoopTimer { [unowned self] in connectIsLate() }
  /// Connections that end their last calls.
  private var draining: [ObjectIdentifier: ClientConnection] = [:]

  /// When the connection became ready, on the loop's clock.
  private var readySince: Int64 = 0
  /// Connections in a row that were left within ``briefNanoseconds`` and had not served.
  private var briefConnections = 0
  private static let briefNanoseconds: Int64 = 1_000_000_000
  /// One may be a server that just goes away; the next one is another server then.
  private static let maxBriefConnections = 2

  init(
    target: Target, loop: EventLoop, options: ChannelOptions, security: ChannelSecurity?,
    owner: any SubchannelOwner
  ) {
    self.target = target
    self.loop = loop
    self.options = options
    self.security = security
    self.owner = owner
  }

  /// Whether the connection can take a call now.
  var connectionWithRoom: ClientConnection? {
    if case .ready(let connection) = state, connection.hasRoom { connection } else { nil }
  }

  // MARK: Connecting

  /// Connects, if it is idle.
  func connect() {
    guard case .idle = state else { return }
    mayRepeatAtOnce = true
    beginConnecting()
  }

  private func beginConnecting() {
    state = .connecting
    lastFailure = ""
    // For the look-up; each address gets the whole time again.
    loop.schedule(connectTimer, after: options.connectTimeout)
    lookUpNumber += 1
    switch target.kind {
    case .addresses(let addresses): tryNext(of: addresses)
    case .inProcess(let server): didConnect(server.connect())
    case .name(let host, let port): lookUp(host, port, number: lookUpNumber)
    }
  }

  private func lookUp(_ host: String, _ port: Int, number: Int) {
    let loop = loop
    let subchannel = LoopBound(self)
    Task.detached {
      let result: Result<[SocketAddress], LookupError>
      do throws(LookupError) {
        result = .success(try await AddressLookup.addresses(of: host, port: port))
      } catch {
        result = .failure(error)
      }
      loop.submit { subchannel.value?.didLookUp(result, number: number) }
    }
  }

  private func didLookUp(_ result: Result<[SocketAddress], LookupError>, number: Int) {
    guard case .connecting = state, number == lookUpNumber else { return }
    switch result {
    case .success(let addresses): tryNext(of: addresses)
    case .failure(let error): fail("\(error). Check the target '\(target)'.")
    }
  }

  private func tryNext(of addresses: [SocketAddress]) {
    guard let address = addresses.first else {
      return fail(lastFailure.isEmpty ? "the target '\(target)' has no address" : lastFailure)
    }
    self.addresses = Array(addresses.dropFirst())
    loop.schedule(connectTimer, after: options.connectTimeout)
    let attempt = ConnectAttempt(
      to: address, loop: loop, userTimeout: options.keepalive.map(\.timeout))
    self.attempt = attempt
    attempt.start { [self] result in
      self.attempt = nil
      switch result {
      case .success(let transport): didConnect(transport)
      case .failure(let error):
        lastFailure = "cannot connect to \(address): \(error)"
        tryNext(of: self.addresses)
      }
    }
  }

  private func didConnect(_ transport: ByteTransport) {
    do {
      let secured = try security?.secure(transport, loop: loop) ?? transport
      let connection = try ClientConnection(
        transport: secured, loop: loop, options: options, owner: self)
      pending = connection
      connection.start()
    } catch {
      transport.close()
      fail("cannot speak HTTP/2 to \(transport.remoteAddress): \(error)")
    }
  }

  private func connectIsLate() {
    guard case .connecting = state else { return }
    let what: String
    switch pending?.isEstablished {
    case nil: what = ""
    case false?: what = " The server took the connection but did not finish the TLS handshake."
    case true?: what = " The server took the connection but did not speak HTTP/2."
    }
    let reason = "connecting to '\(target)' took longer than \(options.connectTimeout).\(what)"
    mayRepeatAtOnce = false
    if let pending {
      lastFailure = reason
      pending.closeNow(reason)
    } else if let attempt {
      lastFailure = reason
      attempt.cancel()
      self.attempt = nil
      tryNext(of: addresses)
    } else {
      fail(reason)
    }
  }

  private func fail(_ reason: String) {
    failures += 1
    loop.cancel(connectTimer)
    lookUpNumber += 1
    let status = Status(.unavailable, Self.sentence(reason))
    state = .transientFailure(status)
    let chance = Double.random(in: -1...1)
    let delay = options.backoff.delay(failures: failures, chance: chance)
    loop.schedule(backoffTimer, after: delay)
    options.logger.info(
      "Cannot connect; calls fail until the next attempt.",
      metadata: ["target": "\(target)", "reason": "\(reason)", "delay": "\(delay)"])
    owner?.subchannelChanged(self)
  }

  private static func sentence(_ text: String) -> String {
    let end = text.hasSuffix(".") ? "" : "."
    return text.prefix(1).uppercased() + text.dropFirst() + end
  }

  private func backoffIsOver() {
    guard case .transientFailure = state else { return }
    state = .idle
    owner?.subchannelChanged(self)
  }

  // MARK: ClientConnectionOwner

  func didBecomeReady(_ connection: ClientConnection) {
    guard connection === pending else { return }
    pending = nil
    loop.cancel(connectTimer)
    readySince = loop.now
    state = .ready(connection)
    owner?.subchannelChanged(self)
  }

  func hasRoom(_ connection: ClientConnection) { owner?.subchannelChanged(self) }

  func isDraining(_ connection: ClientConnection) {
    draining[ObjectIdentifier(connection)] = connection
    if case .ready(let current) = state, current === connection {
      leave(connection, "it said GOAWAY")
    }
  }

  // Spec: W89 (A8: the interval doubles for this target)
  func wantsFewerPings(_ connection: ClientConnection) {
    guard let keepalive = options.keepalive else { return }
    let interval = max(keepalive.interval, ChannelOptions.Keepalive.smallestInterval) * 2
    options.keepalive?.interval = interval
    options.logger.warning(
      "The server gets too many PINGs; the keepalive interval doubles.",
      metadata: ["target": "\(target)", "interval": "\(interval)"])
  }

  func didClose(_ connection: ClientConnection, _ end: ConnectionEnd) {
    draining[ObjectIdentifier(connection)] = nil
    if case .ready(let current) = state, current === connection {
      return leave(connection, end.reason)
    }
    guard connection === pending else { return }
    pending = nil
    if case .connecting = state { didLosePending(connection, end) }
  }

  private func didLosePending(_ connection: ClientConnection, _ end: ConnectionEnd) {
    if lastFailure.isEmpty {
      lastFailure =
        end.isTLSFailure
        ? "there is no secure connection to \(connection.peer): \(end.reason)"
        : "the connection to \(connection.peer) was lost before HTTP/2 began: \(end.reason)"
          + hintOnEarlyEnd
    }
    if mayRepeatAtOnce, !end.isTLSFailure {
      mayRepeatAtOnce = false
      loop.cancel(connectTimer)
      return beginConnecting()
    }
    tryNext(of: addresses)
  }

  /// Not every server tells by an alert why it does not want a client.
  private var hintOnEarlyEnd: String {
    security == nil
      ? "" : ". A server that does not accept the client's certificate, or lacks one, may do so"
  }

  // Spec: W97 (connection-backoff: no server is asked without a pause)
  /// The connection takes no more calls: the next call connects anew.
  ///
  /// A server that sends connections away at once, one after the other, has not really taken them:
  /// that is a failed attempt, or calls that wait would connect in an endless loop.
  private func leave(_ connection: ClientConnection, _ reason: String) {
    if connection.hasServed || loop.now - readySince >= Self.briefNanoseconds {
      failures = 0
      briefConnections = 0
    } else {
      briefConnections += 1
    }
    if briefConnections >= Self.maxBriefConnections {
      return fail("'\(target)' takes connections and gives them up before any call ends: \(reason)")
    }
    state = .idle
    owner?.subchannelChanged(self)
  }

  func sendAgain(_ stream: ClientStream) { owner?.sendAgain(stream) }

  // MARK: Ending

  /// No new calls. Connections close when their last call has ended.
  func shutDown(_ status: Status) {
    if case .shutdown = state { return }
    let last = state
    state = .shutdown(status)
    loop.cancel(backoffTimer)
    loop.cancel(connectTimer)
    lookUpNumber += 1
    attempt?.cancel()
    attempt = nil
    pending?.closeNow("the channel was closed")
    if case .ready(let connection) = last {
      draining[ObjectIdentifier(connection)] = connection
      connection.drain()
    }
    owner?.subchannelChanged(self)
  }
}

/// Carries something that belongs to a loop through another thread, back to the loop.
final class LoopBound<Value: AnyObject>: @unchecked Sendable {
  // `@unchecked Sendable` because only the loop looks at `value`.
  private(set) weak var value: Value?

  init(_ value: Value) { self.value = value }
}
