package import Logging
package import TernCore
package import TernEventLoop
internal import TernTLS

/// Why credentials cannot be used: what is wrong with which file, and the way out.
package struct CredentialsError: Error, CustomStringConvertible {
  package let description: String
}

/// A server's TLS: secures the connections that it accepts.
@safe package final class ServerSecurity: Sendable {
  private let source: TLSContextSource
  private let reloadInterval: Duration?

  /// Reads all files. Blocks.
  package init(_ tls: ServerTLS, logger: Logger) throws(CredentialsError) {
    if tls.clientCertificates != .none, tls.clientRoots == nil {
      throw CredentialsError(
        description:
          "Clients are asked for certificates, and clientRoots does not say whose to believe. Give the "
          + "certificate of the authority that issues them.")
    }
    let keyLog = KeyLogFile.sink(tls.policy.keyLog, logger: logger)
    reloadInterval = tls.policy.reloadInterval
    let paths =
      tls.identities.flatMap(\.paths) + (tls.clientRoots?.sources.flatMap(\.paths) ?? [])
    source = try TLSContextSource.make(paths: paths, logger: logger) {
      () throws(TLSConfigurationError) in
      var identities: [TLSContext.Identity] = []
      for identity in tls.identities {
        identities.append(
          try CredentialFiles.identity(identity, atUnixTime: TLSContextSource.unixTime))
      }
      var clientRoots: TLSContext.Roots?
      if tls.clientCertificates != .none, let roots = tls.clientRoots {
        clientRoots = try CredentialFiles.roots(roots)
      }
      return try TLSContext.server(
        identities: identities, clientRoots: clientRoots,
        mustHaveClientCertificate: tls.clientCertificates == .require, policy: tls.policy,
        keyLog: keyLog)
    }
  }

  /// TLS over a transport whose client has not said anything yet. On the loop.
  package func secure(
    _ transport: ByteTransport, loop: EventLoop, gate: HandshakeGate
  ) throws(TransportError) -> ByteTransport {
    let session: TLSSession
    do throws(TLSFailure) {
      session = try TLSSession(source.current, outbound: loop.spareOutput)
    } catch {
      throw .tls(error)
    }
    return TLSTransport(over: transport, session: session, loop: loop, gate: gate)
  }

  /// Reads all files again. Blocks.
  package func reload() throws(CredentialsError) { try source.reloadNow() }

  /// - Returns: `nil` if there is nothing to watch.
  package func watch(on loop: EventLoop) -> CredentialWatch? {
    CredentialWatch(source, loop: loop, interval: reloadInterval)
  }
}

/// A channel's TLS: secures the connections that it makes.
@safe package final class ChannelSecurity: @unchecked Sendable {
  // `@unchecked Sendable` because only the channel's loop touches the tickets.
  private let source: TLSContextSource
  private let reloadInterval: Duration?
  private let host: String
  /// The last ticket of each context: a renewed one begins anew.
  private var ticket: (context: TLSContext, ticket: TLSTicket)?

  /// Reads all files. Blocks.
  ///
  /// - Parameter host: Whom the server's certificate must name.
  package init(
    _ tls: ChannelTLS, host: String, logger: Logger
  ) throws(CredentialsError) {
    self.host = host
    reloadInterval = tls.policy.reloadInterval
    let keyLog = KeyLogFile.sink(tls.policy.keyLog, logger: logger)
    let paths = tls.roots.sources.flatMap(\.paths) + (tls.identity?.paths ?? [])
    source = try TLSContextSource.make(paths: paths, logger: logger) {
      () throws(TLSConfigurationError) in
      var identity: TLSContext.Identity?
      if let own = tls.identity {
        identity = try CredentialFiles.identity(own, atUnixTime: TLSContextSource.unixTime)
      }
      return try TLSContext.client(
        roots: try CredentialFiles.roots(tls.roots), identity: identity, policy: tls.policy,
        keyLog: keyLog)
    }
  }

  /// TLS over a transport that has just connected. On the loop.
  package func secure(
    _ transport: ByteTransport, loop: EventLoop
  ) throws(TransportError) -> ByteTransport {
    let context = source.current
    let known = ticket.flatMap { $0.context === context ? $0.ticket : nil }
    // Once: a ticket that is shown twice lets others see that it is the same client.
    ticket = nil
    let session: TLSSession
    do throws(TLSFailure) {
      session = try TLSSession(
        context, expectedHost: host, ticket: known, outbound: loop.spareOutput)
    } catch {
      throw .tls(error)
    }
    session.onTicket = { [weak self] in self?.ticket = (context, $0) }
    return TLSTransport(over: transport, session: session, loop: loop, gate: nil)
  }

  /// Reads all files again. Blocks.
  package func reload() throws(CredentialsError) { try source.reloadNow() }

  /// - Returns: `nil` if there is nothing to watch.
  package func watch(on loop: EventLoop) -> CredentialWatch? {
    CredentialWatch(source, loop: loop, interval: reloadInterval)
  }
}
