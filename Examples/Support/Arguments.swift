internal import Glibc
public import Tern

/// The command line of an example's server.
///
///     --port N                    0 picks a free one
///     --cert FILE --key FILE      TLS
///     --client-ca FILE            clients must have a certificate of this authority
///     --gzip                      compress responses for clients that accept it
public struct ServerArguments {
  public let port: Int
  public let credentials: ServerCredentials
  public let options: ServerOptions

  public init(port: UInt16) {
    let options = CommandOptions([
      CommandOptions.Option("--port", "N", "0 picks a free one; default \(port)"),
      CommandOptions.Option("--cert", "FILE", "the server's certificate and those behind it"),
      CommandOptions.Option("--key", "FILE", "its private key"),
      CommandOptions.Option("--client-ca", "FILE", "demand certificates of this authority"),
      CommandOptions.Option("--gzip", nil, "compress responses for clients that accept it"),
    ])
    let text = options.value(of: "--port") ?? "\(port)"
    guard let number = UInt16(text) else { CommandOptions.finish("'\(text)' is no port.") }
    self.port = Int(number)
    credentials = Self.credentials(options)
    var serverOptions = ServerOptions()
    if options.has("--gzip") { serverOptions.compression = .gzip }
    self.options = serverOptions
  }

  private static func credentials(_ options: CommandOptions) -> ServerCredentials {
    guard let identity = options.identity else { return .insecure }
    let clientCA = options.value(of: "--client-ca")
    return .tls(
      ServerTLS(
        identities: [identity], clientCertificates: clientCA == nil ? .none : .require,
        clientRoots: clientCA.map { .file($0) }))
  }
}

/// The command line of an example's client.
///
///     --target HOST:PORT          or whatever else a channel takes
///     --tls                       TLS, trusting what the machine trusts
///     --ca FILE                   TLS, trusting this authority
///     --cert FILE --key FILE      the client's own certificate
///     --gzip                      compress requests
public struct ClientArguments {
  public let target: String
  public let credentials: ChannelCredentials
  public let options: ChannelOptions

  public init(target: String) {
    let options = CommandOptions([
      CommandOptions.Option("--target", "HOST:PORT", "default \(target)"),
      CommandOptions.Option("--tls", nil, "TLS, trusting what the machine trusts"),
      CommandOptions.Option("--ca", "FILE", "TLS, trusting this authority"),
      CommandOptions.Option("--cert", "FILE", "the client's certificate and those behind it"),
      CommandOptions.Option("--key", "FILE", "its private key"),
      CommandOptions.Option("--gzip", nil, "compress requests"),
    ])
    self.target = options.value(of: "--target") ?? target
    credentials = Self.credentials(options)
    var channelOptions = ChannelOptions()
    if options.has("--gzip") { channelOptions.compression = .gzip }
    self.options = channelOptions
  }

  private static func credentials(_ options: CommandOptions) -> ChannelCredentials {
    let identity = options.identity
    let ca = options.value(of: "--ca")
    guard ca != nil || identity != nil || options.has("--tls") else { return .insecure }
    return .tls(ChannelTLS(roots: ca.map { .file($0) } ?? .system, identity: identity))
  }
}

/// Prints a line and sees that it leaves at once, even into a pipe: somebody waits for it.
public func announce(_ line: String) {
  print(line)
  fflush(nil)
}
