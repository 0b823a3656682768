internal import CLinux
internal import Glibc

/// Where a socket is, or whom it talks to.
public enum SocketAddress: Hashable, Sendable {
  /// `host` in dotted form.
  case ipv4(host: String, port: Int)
  /// `host` as RFC 5952 writes it, with `%zone` where it has one.
  case ipv6(host: String, port: Int)
  /// A Unix domain socket. A path that begins with a NUL character is in the abstract namespace;
  /// an empty path has no name.
  case unix(path: String)
  /// The other half of a pair in memory.
  case memory

  /// `nil` for what has no ports.
  public var port: Int? {
    switch self {
    case .ipv4(_, let port), .ipv6(_, let port): port
    case .unix, .memory: nil
    }
  }

  static let ports = 0...65_535

  /// The longest path of a Unix domain socket, in bytes.
  package static let maxUnixPathBytes = 107

  /// An address of numbers, not of a name.
  ///
  /// - Returns: `nil` if `host` is not an address of IPv4 or IPv6, or the port is not a port.
  package init?(numericHost host: String, port: Int) {
    guard Self.ports.contains(port), !host.utf8.contains(0) else { return nil }
    var v4 = in_addr()
    if unsafe inet_pton(AF_INET, host, &v4) == 1 {
      self = .ipv4(host: host, port: port)
      return
    }
    let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    var v6 = in6_addr()
    guard unsafe inet_pton(AF_INET6, String(parts[0]), &v6) == 1, parts.last != "",
      let text = Self.text(AF_INET6, v6)
    else { return nil }
    self = .ipv6(host: parts.count == 2 ? "\(text)%\(parts[1])" : text, port: port)
  }
}

extension SocketAddress: CustomStringConvertible {
  /// As people type it: `127.0.0.1:50051`, `[::1]:50051`, `unix:/run/app.sock`.
  public var description: String {
    switch self {
    case .ipv4(let host, let port): "\(host):\(port)"
    case .ipv6(let host, let port): "[\(host)]:\(port)"
    case .unix(let path) where path.isEmpty: "unix:(unnamed)"
    case .unix(let path) where path.utf8.first == 0: "unix-abstract:\(path.dropFirst())"
    case .unix(let path): "unix:\(path)"
    case .memory: "memory"
    }
  }
}

// MARK: - As C knows it

extension SocketAddress {
  var family: CInt {
    switch self {
    case .ipv4: AF_INET
    case .ipv6: AF_INET6
    case .unix, .memory: AF_UNIX
    }
  }

  init?(_ storage: sockaddr_storage, length: socklen_t) {
    switch CInt(storage.ss_family) {
    case AF_INET: self.init(Self.load(storage, as: sockaddr_in.self))
    case AF_INET6: self.init(Self.load(storage, as: sockaddr_in6.self))
    case AF_UNIX: self.init(Self.load(storage, as: sockaddr_un.self), length: length)
    default: return nil
    }
  }

  private static func load<Address>(
    _ storage: sockaddr_storage, as type: Address.Type
  ) -> Address {
    unsafe withUnsafeBytes(of: storage) { unsafe $0.loadUnaligned(as: Address.self) }
  }

  private init?(_ address: sockaddr_in) {
    guard let host = Self.text(AF_INET, address.sin_addr) else { return nil }
    self = .ipv4(host: host, port: Int(UInt16(bigEndian: address.sin_port)))
  }

  private init?(_ address: sockaddr_in6) {
    guard var host = Self.text(AF_INET6, address.sin6_addr) else { return nil }
    if address.sin6_scope_id != 0 { host += "%\(address.sin6_scope_id)" }
    self = .ipv6(host: host, port: Int(UInt16(bigEndian: address.sin6_port)))
  }

  private init?(_ address: sockaddr_un, length: socklen_t) {
    let header = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
    let count = max(0, Int(length) - header)
    let bytes = unsafe withUnsafeBytes(of: address.sun_path) { unsafe Array($0.prefix(count)) }
    // A path in the file system ends at its NUL; a name in the abstract namespace begins with one.
    let name = bytes.first == 0 ? bytes[...] : bytes.prefix { $0 != 0 }
    self = .unix(path: String(decoding: name, as: UTF8.self))
  }

  private static func text<Address>(_ family: CInt, _ address: Address) -> String? {
    unsafe withUnsafePointer(to: address) { address in
      unsafe withUnsafeTemporaryAllocation(
        of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)
      ) { text in
        guard let start = text.baseAddress,
          unsafe inet_ntop(family, address, start, socklen_t(text.count)) != nil
        else { return nil }
        return unsafe String(cString: start)
      }
    }
  }

  /// Calls `body` with the address in C's form.
  ///
  /// - Throws: `SystemError` with `EINVAL` if it has no such form, else what `body` throws.
  @unsafe func withSockaddr<Result>(
    _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Result
  ) throws(SystemError) -> Result {
    var storage = sockaddr_storage()
    let length = try store(in: &storage)
    let result: Swift.Result<Result, SystemError> = unsafe withUnsafePointer(to: &storage) {
      pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        do throws(SystemError) { return .success(try unsafe body(address, length)) } catch {
          return .failure(error)
        }
      }
    }
    return try result.get()
  }

  private func store(in storage: inout sockaddr_storage) throws(SystemError) -> socklen_t {
    let invalid = SystemError(call: "address '\(self)'", code: EINVAL)
    switch self {
    case .ipv4(let host, let port):
      guard Self.ports.contains(port) else { throw invalid }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
      guard unsafe inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw invalid }
      Self.put(address, in: &storage)
      return socklen_t(MemoryLayout<sockaddr_in>.size)
    case .ipv6(let host, let port):
      guard Self.ports.contains(port) else { throw invalid }
      let parts = host.split(separator: "%", maxSplits: 1).map(String.init)
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = UInt16(truncatingIfNeeded: port).bigEndian
      if parts.count == 2 {
        address.sin6_scope_id = UInt32(parts[1]) ?? (unsafe if_nametoindex(parts[1]))
        if address.sin6_scope_id == 0 { throw invalid }
      }
      guard let first = parts.first, unsafe inet_pton(AF_INET6, first, &address.sin6_addr) == 1
      else { throw invalid }
      Self.put(address, in: &storage)
      return socklen_t(MemoryLayout<sockaddr_in6>.size)
    case .unix(let path):
      // C would end a path at its NUL, and take an empty one for an abstract name.
      if path.isEmpty || path.utf8.dropFirst().contains(0) && path.utf8.first != 0 { throw invalid }
      return try Self.storeUnix(path, in: &storage)
    case .memory:
      throw invalid
    }
  }

  private static func storeUnix(
    _ path: String, in storage: inout sockaddr_storage
  ) throws(SystemError) -> socklen_t {
    let bytes = Array(path.utf8)
    guard bytes.count <= maxUnixPathBytes else {
      throw SystemError(call: "path of \(bytes.count) bytes '\(path)'", code: ENAMETOOLONG)
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    put(address, in: &storage)
    let header = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
    // In the abstract namespace every byte counts, so the length must not include padding.
    let isAbstract = bytes.first == 0
    return socklen_t(header + bytes.count + (isAbstract ? 0 : 1))
  }

  private static func put<Address>(
    _ address: Address, in storage: inout sockaddr_storage
  ) {
    unsafe withUnsafeMutableBytes(of: &storage) {
      unsafe $0.storeBytes(of: address, as: Address.self)
    }
  }
}
