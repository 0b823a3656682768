public import TernClient
public import TernCore
public import TernServer

extension GRPCServer {
  /// A channel to this server over memory, without sockets: for tests of services and of what calls
  /// them.
  ///
  /// ```swift
  /// let server = GRPCServer(services: [Greeter()])
  /// let greeter = Greet_Greeter.Client(server.inProcessChannel())
  /// let reply = try await greeter.sayHello(.with { $0.name = "world" })
  /// await server.shutDown(within: .seconds(1))
  /// ```
  ///
  /// All the rest is what runs in production: HTTP/2, limits, deadlines, metadata, cancellation.
  /// The channel lives on the loops of the server, so both follow one clock; with a `ManualClock`
  /// deadlines pass when the test says so:
  ///
  /// ```swift
  /// let clock = ManualClock()
  /// let group = EventLoopGroup(loopCount: 1, clock: clock)
  /// let server = GRPCServer(services: [Slow()], group: group)
  /// …
  /// await clock.advance(by: .seconds(30))
  /// ```
  ///
  /// Begins to serve if the server does not yet; it may listen elsewhere as well, if `start` came
  /// first. There may be several channels. Calls may carry credentials, as nothing leaves the process.
  ///
  /// - Parameter callCredentials: For all calls of the channel.
  public func inProcessChannel(
    options: ChannelOptions = ChannelOptions(), callCredentials: CallCredentials? = nil
  ) -> GRPCChannel {
    startWithoutListening()
    let server = InProcessServer { [self] in accept($0) }
    return GRPCChannel(to: server, options: options, callCredentials: callCredentials, group: group)
  }
}
