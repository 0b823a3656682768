public import TernCore
public import TernEventLoop
internal import Logging
internal import Synchronization
internal import TernTransport

/// A client's way to one target: makes connections when calls need them, and calls over them.
///
/// ```swift
/// let channel = try GRPCChannel("localhost:50051", credentials: .insecure)
/// let greeter = Greet_Greeter.Client(channel)
/// let reply = try await greeter.sayHello(.with { $0.name = "world" })
/// ```
///
/// Connects on the first call, and anew when a connection is lost. One channel serves any number
/// of calls and tasks at once; keep it as long as you talk to the target. When the last reference
/// is gone it closes as ``close()`` does.
public final class GRPCChannel: Sendable {
  let options: ChannelOptions
  /// One, or one for each loop.
  private let cores: [ChannelCore]
  private let turn = Atomic<Int>(0)

  /// - Parameters:
  ///   - target: `host:port`, `dns:///host:port`, `ipv4:1.2.3.4:5`, `ipv6:[::1]:5`, `unix:path` or
  ///     `unix-abstract:name`. Without a port it is 443.
  ///   - credentials: How to secure the way; there is no default.
  ///   - group: Where the channel lives; the loops of the whole process unless told otherwise.
  /// - Throws: `RPCError` if the target or the files of the credentials cannot be used.
  public init(
    _ target: String, credentials: ChannelCredentials, options: ChannelOptions = ChannelOptions(),
    group: EventLoopGroup = .shared
  ) throws(RPCError) {
    let target = try Target(target)
    self.options = options
    self.group = group
    let authority = options.authority ?? credentials.tls?.serverName ?? target.authority
    security = try Self.security(
      credentials, host: Target.host(ofAuthority: authority), logger: options.logger)
    cores = Self.loops(of: group, options).map { [security] loop in
      ChannelCore(
        target: target, authority: authority, loop: loop, options: options, security: security,
        callCredentials: credentials.callCredentials)
    }
    for core in cores { core.loop.execute { core.start() } }
  }

  /// A channel to a server in this process, without a socket.
  package init(
    to server: InProcessServer, options: ChannelOptions, callCredentials: CallCredentials?,
    group: EventLoopGroup
  ) {
    self.options = options
    self.group = group
    security = nil
    let target = Target(server)
    cores = Self.loops(of: group, options).map { loop in
      ChannelCore(
        target: target, authority: options.authority ?? target.authority, loop: loop,
        options: options, security: nil, callCredentials: callCredentials)
    }
  }

  private static func loops(of group: EventLoopGroup, _ options: ChannelOptions) -> [EventLoop] {
    switch options.connections {
    case .one: [group.leastLoaded()]
    case .perLoop: group.loops
    }
  }

  /// Where a call of the caller's goes.
  var core: ChannelCore {
    if cores.count == 1 { return cores[0] }
    if let own = cores.first(where: { $0.loop.isCurrent }) { return own }
    let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
    return cores[Int(UInt(bitPattern: number) % UInt(cores.count))]
  }

  private let security: ChannelSecurity?

  private static func security(
    _ credentials: ChannelCredentials, host: String, logger: Logger
  ) throws(RPCError) -> ChannelSecurity? {
    guard let tls = credentials.tls else { return nil }
    do throws(CredentialsError) {
      return try ChannelSecurity(tls, host: tls.serverName ?? host, logger: logger)
    } catch {
      throw RPCError(
        .unavailable, "TLS cannot be set up. \(error)", cause: error, origin: .caller)
    }
  }

  /// Reads the files of the channel's credentials again, now. New connections use what is in them.
  /// Blocks while it reads.
  ///
  /// - Throws: `RPCError` if they cannot be used; what was used before stays.
  public func reloadCredentials() throws(RPCError) {
    do throws(CredentialsError) {
      try security?.reload()
    } catch {
      throw RPCError(
        .unavailable, "The credentials stay as they were. \(error)", cause: error, origin: .caller)
    }
  }

  /// A channel may be all that keeps its group alive.
  private let group: EventLoopGroup

  deinit { close() }

  /// Fails new calls with `UNAVAILABLE`, lets those that run end, and then closes its connections.
  /// Returns at once.
  public func close() {
    for core in cores { core.loop.execute { core.close() } }
  }

  /// Where the channel's calls are handled. A task that prefers it pays for no thread crossing:
  ///
  /// ```swift
  /// try await withTaskExecutorPreference(channel.executor) { try await work(channel) }
  /// ```
  ///
  /// Of a channel with a connection for each loop it is another loop each time, or the one on which it
  /// is asked for.
  public var executor: any TaskExecutor { core.loop }
}
