internal import Logging
internal import TernEventLoop

/// The sockets on which a server listens: one for each address of its name.
@safe final class Listeners: @unchecked Sendable {
  // `@unchecked Sendable` because only the first loop of its server touches it.
  private var open: [Listener] = []
  private var isClosed = false

  /// Binds all addresses. Any that the machine does not have are left out, if there is another.
  ///
  /// - Throws: `ServerError` with the address, the reason and the way out.
  static func open(_ address: ListenAddress, loop: EventLoop) async throws -> [Listener] {
    var listeners: [Listener] = []
    var firstError: (any Error)?
    for candidate in try await candidates(address) {
      do {
        listeners.append(try Listener(on: samePort(candidate, as: listeners.first), loop: loop))
      } catch  where error.isMissingAddress {
        firstError = firstError ?? describe(error, address, candidate)
      } catch {
        throw describe(error, address, candidate)
      }
    }
    if listeners.isEmpty {
      throw firstError ?? ServerError("'\(address)' has no address to listen on.")
    }
    return listeners
  }

  private static func candidates(_ address: ListenAddress) async throws -> [SocketAddress] {
    switch address.kind {
    case .unix(let path): return [.unix(path: path)]
    case .tcp(let host, let port):
      guard (0...65_535).contains(port) else {
        throw ServerError("\(port) is not a port. Give one from 0 to 65535; 0 picks a free one.")
      }
      do {
        return try await AddressLookup.addresses(of: host, port: port, isPassive: true)
      } catch {
        throw ServerError(
          "Cannot listen on \(address): \(error). Give an address of this machine, such as "
            + "127.0.0.1, or 0.0.0.0 for all of them.",
          cause: error)
      }
    }
  }

  /// Port 0 is chosen once, for all addresses.
  private static func samePort(_ address: SocketAddress, as first: Listener?) -> SocketAddress {
    guard let port = first?.address.port else { return address }
    return switch address {
    case .ipv4(let host, _): .ipv4(host: host, port: port)
    case .ipv6(let host, _): .ipv6(host: host, port: port)
    case .unix, .memory: address
    }
  }

  private static func describe(
    _ error: SystemError, _ address: ListenAddress, _ candidate: SocketAddress
  ) -> ServerError {
    let advice =
      error.isAddressInUse
      ? "Another program listens there: stop it, or choose another port; port 0 picks a free one."
      : error.isNotPermitted
        ? "Ports below 1024 need a privilege: choose a higher one."
        : "Give an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them."
    return ServerError(
      "Cannot listen on \(address) (\(candidate)): \(error). \(advice)", cause: error)
  }

  func start(
    _ listeners: [Listener], onAccept: @escaping (Socket) -> Void, logger: Logger
  ) {
    open = listeners
    for listener in listeners {
      let onTrouble: (SystemError) -> Void = { error in
        logger.error(
          "New connections have to wait.",
          metadata: ["address": "\(listener.address)", "reason": "\(error)"])
      }
      do throws(SystemError) {
        try listener.start(onAccept: onAccept, onTrouble: onTrouble)
      } catch {
        onTrouble(error)
      }
    }
    // The server was told to end while it looked up its address.
    if isClosed { close() }
  }

  func close() {
    isClosed = true
    for listener in open { listener.close() }
    open = []
  }
}
