/// Where a server listens.
public struct ListenAddress: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case tcp(host: String, port: Int)
    case unix(path: String)
  }

  package let kind: Kind

  /// A host and a port of TCP. A name that has several addresses, as `localhost` has, is listened
  /// on at all of them. `0.0.0.0` and `::` stand for all addresses of the machine, port 0 for any
  /// free one.
  public static func tcp(_ host: String, _ port: Int) -> ListenAddress {
    ListenAddress(kind: .tcp(host: host, port: port))
  }

  /// A Unix domain socket. The path must not exist yet; it is removed at the end.
  public static func unix(_ path: String) -> ListenAddress {
    ListenAddress(kind: .unix(path: path))
  }
}

extension ListenAddress: CustomStringConvertible {
  public var description: String {
    switch kind {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}
