internal import TernCore
internal import TernEventLoop

// Spec: W99 (naming; the schemes that need no resolver of their own)
/// What a channel dials.
///
/// Source: <https://github.com/grpc/grpc/blob/master/doc/naming.md>
struct Target: Sendable, Hashable, CustomStringConvertible {
  enum Kind: Sendable, Hashable {
    /// To be looked up each time that a connection is made.
    case name(host: String, port: Int)
    case addresses([SocketAddress])
    /// A server in this process, over memory.
    case inProcess(InProcessServer)
  }

  let kind: Kind
  /// What the server is told in `:authority`.
  let authority: String
  /// As the user wrote it.
  let description: String

  init(_ server: InProcessServer) {
    kind = .inProcess(server)
    authority = "in-process"
    description = "in-process"
  }

  private static let defaultPort = 443

  /// - Throws: `RPCError` with what was wrong and the forms that are known.
  init(_ text: String) throws(RPCError) {
    description = text
    let (scheme, rest) = Self.split(text)
    switch scheme {
    case "unix":
      let path = rest.hasPrefix("//") ? String(rest.dropFirst(2)) : rest
      guard !path.isEmpty else { throw Self.malformed(text, "it has no path") }
      kind = .addresses([.unix(path: path)])
      authority = "localhost"
    case "unix-abstract":
      guard !rest.isEmpty else { throw Self.malformed(text, "it has no name") }
      kind = .addresses([.unix(path: "\0" + rest)])
      authority = "localhost"
    case "ipv4", "ipv6":
      let addresses = try Self.addresses(rest, scheme: scheme, text: text)
      kind = .addresses(addresses)
      authority = "\(addresses[0])"
    default:
      let (host, port) = try Self.hostAndPort(
        Self.withoutDNSAuthority(rest, text: text), text: text)
      let name = host.contains(":") ? "[\(host)]" : host
      authority = port.map { "\(name):\($0)" } ?? name
      kind = .name(host: host, port: port ?? Self.defaultPort)
    }
  }

  var isInProcess: Bool { if case .inProcess = kind { true } else { false } }

  /// The host of an authority, without its port and without brackets.
  static func host(ofAuthority authority: String) -> String {
    if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") {
      return String(authority[authority.index(after: authority.startIndex)..<close])
    }
    let colons = authority.count { $0 == ":" }
    guard colons == 1, let colon = authority.firstIndex(of: ":") else { return authority }
    return String(authority[..<colon])
  }

  private static let schemes: Set = ["dns", "unix", "unix-abstract", "ipv4", "ipv6"]

  private static func split(_ text: String) -> (scheme: String, rest: String) {
    guard let colon = text.firstIndex(of: ":"), schemes.contains(String(text[..<colon])) else {
      return ("dns", text)
    }
    let rest = String(text[text.index(after: colon)...])
    // `dns:50051` may be a host named dns; no gRPC library reads it so.
    return (String(text[..<colon]), rest)
  }

  /// `//server/host` names a DNS server to ask, which the system's resolver does not let us choose.
  /// Asking another one than the user wants would be worse than saying so.
  private static func withoutDNSAuthority(
    _ rest: String, text: String
  ) throws(RPCError) -> String {
    guard rest.hasPrefix("//") else { return rest }
    let parts = rest.dropFirst(2).split(
      separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return String(parts.first ?? "") }
    guard parts[0].isEmpty else {
      throw malformed(text, "which DNS server to ask is the system's choice, not '\(parts[0])'")
    }
    return String(parts[1])
  }

  private static func addresses(
    _ list: String, scheme: String, text: String
  ) throws(RPCError) -> [SocketAddress] {
    var addresses: [SocketAddress] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      let (host, port) = try hostAndPort(String(part), text: text)
      guard let address = SocketAddress(numericHost: host, port: port ?? defaultPort) else {
        throw malformed(text, "'\(host)' is not an address of numbers")
      }
      switch address {
      case .ipv4 where scheme == "ipv4", .ipv6 where scheme == "ipv6": addresses.append(address)
      default: throw malformed(text, "'\(host)' is not an \(scheme) address")
      }
    }
    return addresses
  }

  private static func hostAndPort(
    _ part: String, text: String
  ) throws(RPCError) -> (host: String, port: Int?) {
    if part.hasPrefix("[") {
      guard let close = part.firstIndex(of: "]") else { throw malformed(text, "a ']' is missing") }
      let host = String(part[part.index(after: part.startIndex)..<close])
      if host.isEmpty { throw malformed(text, "it has no host") }
      let rest = part[part.index(after: close)...]
      if rest.isEmpty { return (host, nil) }
      guard rest.first == ":" else { throw malformed(text, "after ']' comes ':' and a port") }
      return (host, try port(String(rest.dropFirst()), text: text))
    }
    let colons = part.count { $0 == ":" }
    // More than one colon without brackets: an IPv6 address without a port.
    guard colons == 1, let colon = part.firstIndex(of: ":") else {
      if part.isEmpty { throw malformed(text, "it has no host") }
      return (part, nil)
    }
    let host = String(part[..<colon])
    if host.isEmpty { throw malformed(text, "it has no host") }
    return (host, try port(String(part[part.index(after: colon)...]), text: text))
  }

  private static func port(_ digits: String, text: String) throws(RPCError) -> Int {
    // `Int` would take a sign as well.
    guard digits.first?.isNumber == true, let port = Int(digits), (1...65_535).contains(port) else {
      throw malformed(text, "'\(digits)' is not a port from 1 to 65535")
    }
    return port
  }

  private static func malformed(_ text: String, _ reason: String) -> RPCError {
    RPCError(
      .internal,
      "The target '\(text)' cannot be used: \(reason). Write 'host:port', 'dns:///host:port', "
        + "'ipv4:1.2.3.4:5', 'ipv6:[::1]:5', 'unix:path' or 'unix-abstract:name'.",
      origin: .caller)
  }
}
