/// A name of metadata together with the type of its values.
///
/// ```swift
/// extension MetadataKey where Value == [UInt8] {
///   static var trace: Self { Self("trace-bin") }
/// }
/// extension MetadataKey where Value == Int {
///   static var shard: Self { Self("shard") }
/// }
///
/// metadata[.trace] = [0x01, 0x02]
/// if let shard = metadata[.shard] { … }
/// ```
///
/// Values may be bytes or messages of Protobuf, under names that end in `-bin`, and what can be
/// written as text and read from it again (`String`, `Int`, `Bool` …), under all other names. Types
/// of your own need two functions.
public struct MetadataKey<Value: Sendable>: Sendable {
  public let name: String
  fileprivate let encode: @Sendable (Value) throws -> Metadata.FieldValue
  /// `nil`: the field is not of this type.
  fileprivate let decode: @Sendable (Metadata.FieldValue) throws -> Value?

  private init(
    name: String, encode: @escaping @Sendable (Value) throws -> Metadata.FieldValue,
    decode: @escaping @Sendable (Metadata.FieldValue) throws -> Value?
  ) {
    self.name = Metadata.canonical(name)
    self.encode = encode
    self.decode = decode
  }

  /// Values that are bytes on their way. `name` has to end in `-bin`.
  public init(
    _ name: String, encode: @escaping @Sendable (Value) throws -> [UInt8],
    decode: @escaping @Sendable ([UInt8]) throws -> Value
  ) {
    self.init(
      name: name, encode: { .bytes(try encode($0)) },
      decode: { field in
        if case .bytes(let bytes) = field { try decode(bytes) } else { nil }
      })
  }
}

extension MetadataKey where Value == [UInt8] {
  /// Bytes as they are. `name` has to end in `-bin`.
  public init(_ name: String) {
    self.init(name, encode: { $0 }, decode: { $0 })
  }
}

extension MetadataKey where Value: LosslessStringConvertible {
  /// Values that travel as their description: printable ASCII. `name` must not end in `-bin`.
  public init(_ name: String) {
    self.init(
      name: name, encode: { .text($0.description) },
      decode: { field in
        if case .text(let text) = field { Value(text) } else { nil }
      })
  }
}

// MARK: Typed access

extension Metadata {
  /// The first value of `key`; `nil` if there is none that can be read: `values(of:)` tells why.
  /// Setting it replaces all values; `nil` removes them.
  ///
  /// As with ``append(_:_:)``, what cannot travel fails the call that it is handed to.
  public subscript<Value>(key: MetadataKey<Value>) -> Value? {
    get {
      for element in self where element.name == key.name {
        if let value = Self.decode(element, as: key) { return value }
      }
      return nil
    }
    set {
      removeAll(key.name)
      if let newValue { append(key, newValue) }
    }
  }

  private static func decode<Value>(_ element: Element, as key: MetadataKey<Value>) -> Value? {
    do { return try key.decode(element.value) } catch { return nil }
  }

  /// All values of `key`, oldest first.
  ///
  /// - Throws: An error with the code `INTERNAL` if one of them is not of the key's type.
  public func values<Value>(of key: MetadataKey<Value>) throws(RPCError) -> [Value] {
    var values: [Value] = []
    for element in self where element.name == key.name {
      do {
        guard let value = try key.decode(element.value) else { throw unreadable(key) }
        values.append(value)
      } catch let error as RPCError {
        throw error
      } catch {
        throw unreadable(key, cause: error)
      }
    }
    return values
  }

  private func unreadable<Value>(_ key: MetadataKey<Value>, cause: (any Error)? = nil) -> RPCError {
    RPCError(
      .internal, "The metadata '\(key.name)' has a value that is not a '\(Value.self)'.",
      cause: cause, origin: .peer)
  }

  /// Adds a value behind those that are here.
  public mutating func append<Value>(_ key: MetadataKey<Value>, _ value: Value) {
    do {
      append(Element(name: key.name, value: try key.encode(value), fault: nil))
    } catch {
      append(
        Element(
          name: key.name, value: .bytes([]),
          fault: "The value of the metadata '\(key.name)' cannot be encoded: \(error)."))
    }
  }
}
