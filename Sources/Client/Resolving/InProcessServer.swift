package import TernTransport

/// A server in this process that takes the other half of a pair in memory for a connection.
package final class InProcessServer: Sendable {
  let accept: @Sendable (ByteTransport) -> Void

  package init(accept: @escaping @Sendable (ByteTransport) -> Void) { self.accept = accept }

  /// - Returns: The client's half.
  func connect() -> ByteTransport {
    let (near, far) = MemoryTransport.makePair()
    accept(far)
    return near
  }
}

extension InProcessServer: Hashable {
  package static func == (first: InProcessServer, second: InProcessServer) -> Bool {
    first === second
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
