/// Names a value that interceptors attach to a call, and its type.
///
/// ```swift
/// enum UserKey: ContextKey { typealias Value = User }
///
/// call[UserKey.self] = user            // in an interceptor
/// let user = context[UserKey.self]     // in a handler
/// ```
///
/// The values stay on this side: nothing of them travels.
public protocol ContextKey {
  associatedtype Value: Sendable
}

/// Values by their keys. Few, so a list is quicker than a table.
package struct ContextValues: Sendable {
  private var entries: [(key: ObjectIdentifier, value: any Sendable)] = []

  package init() {}

  // cold: calls with interceptors only, which take a lock as well
  package subscript<Key: ContextKey>(key: Key.Type) -> Key.Value? {
    get {
      entries.first { $0.key == ObjectIdentifier(key) }?.value as? Key.Value
    }
    set {
      entries.removeAll { $0.key == ObjectIdentifier(key) }
      if let newValue { entries.append((ObjectIdentifier(key), newValue)) }
    }
  }
}
