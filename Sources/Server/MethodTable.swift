internal import TernBytes
internal import TernCore

/// Finds the handler for a path.
///
/// Looks at bytes: making a `String` of each request's path would cost more than the search.
@safe final class MethodTable: Sendable {
  private let slots: [RegisteredMethod?]
  private let services: Set<String>

  init(_ methods: [RegisteredMethod]) {
    // At most half full, so that a search ends soon.
    var capacity = 8
    while capacity < methods.count * 2 { capacity *= 2 }
    var slots = [RegisteredMethod?](repeating: nil, count: capacity)
    for method in methods {
      var index = unsafe method.pathBytes.withUnsafeBytes { unsafe Self.hash($0) } & (capacity - 1)
      while slots[index] != nil { index = (index + 1) & (capacity - 1) }
      slots[index] = method
    }
    self.slots = slots
    services = Set(methods.map(\.descriptor.service))
  }

  func method(for path: UnsafeRawBufferPointer) -> RegisteredMethod? {
    var index = unsafe Self.hash(path) & (slots.count - 1)
    while let method = slots[index] {
      if unsafe method.matches(path) { return method }
      index = (index + 1) & (slots.count - 1)
    }
    return nil
  }

  // Spec: W66 (unknown service or method: UNIMPLEMENTED)
  func statusOfUnknown(path: String) -> Status {
    let parts = path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: true)
    guard parts.count == 2, services.contains(String(parts[0])) else {
      return Status(.unimplemented, "This server has no service for the path '\(path)'.")
    }
    return Status(
      .unimplemented, "The service '\(parts[0])' of this server has no method '\(parts[1])'.")
  }

  /// FNV-1a. The table is made of our own paths, so nobody can fill it with collisions.
  ///
  /// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    var index = 0
    while index < bytes.count {
      hash = (hash ^ UInt64(unsafe bytes[index])) &* 0x100_0000_01B3
      index += 1
    }
    return Int(truncatingIfNeeded: hash ^ (hash >> 32))
  }
}
