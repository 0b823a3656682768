internal import CLinux
internal import Glibc

/// Why a name has no address.
package struct LookupError: Error, Sendable, CustomStringConvertible {
  package let host: String
  package let reason: String

  package var description: String { "'\(host)' has no address: \(reason)" }
}

/// The system's resolver: /etc/hosts, DNS and whatever else the machine is set up for.
///
/// `getaddrinfo` blocks, so each look-up has a thread of its own; how many run at once is limited,
/// the others wait in line.
package enum AddressLookup {
  /// - Parameter isPassive: For listening: an empty host means all addresses of the machine.
  package static func addresses(
    of host: String, port: Int, isPassive: Bool = false
  ) async throws(LookupError) -> [SocketAddress] {
    // C would cut the one to 16 bits and the other at its NUL, and find something else.
    guard SocketAddress.ports.contains(port) else {
      throw LookupError(host: host, reason: "\(port) is not a port")
    }
    if host.utf8.contains(0) {
      throw LookupError(host: host, reason: "it contains a NUL character")
    }
    if let address = SocketAddress(numericHost: host, port: port) { return [address] }
    let result: Result<[SocketAddress], LookupError> = await withCheckedContinuation {
      continuation in
      BlockingThreads.shared.run {
        continuation.resume(returning: lookUp(host, port, isPassive: isPassive))
      }
    }
    return try result.get()
  }

  private static func lookUp(
    _ host: String, _ port: Int, isPassive: Bool
  ) -> Result<[SocketAddress], LookupError> {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_NUMERICSERV | (isPassive ? AI_PASSIVE : AI_ADDRCONFIG)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(host.isEmpty ? nil : host, "\(port)", &hints, &list)
    guard code == 0 else {
      return .failure(LookupError(host: host, reason: unsafe String(cString: gai_strerror(code))))
    }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
      if let address = unsafe address(of: entry.pointee), !addresses.contains(address) {
        addresses.append(address)
      }
      unsafe next = entry.pointee.ai_next
    }
    if addresses.isEmpty {
      return .failure(LookupError(host: host, reason: "the system knows no address for it"))
    }
    return .success(addresses)
  }

  private static func address(of entry: addrinfo) -> SocketAddress? {
    guard let pointer = unsafe entry.ai_addr else { return nil }
    var storage = sockaddr_storage()
    let length = unsafe min(Int(entry.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
    unsafe withUnsafeMutableBytes(of: &storage) { target in
      unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: length))
    }
    return unsafe SocketAddress(storage, length: entry.ai_addrlen)
  }
}
