/// Names and values that travel beside the messages of a call.
///
/// Names are ASCII without capitals. A name that ends in `-bin` holds bytes, every other one
/// printable ASCII text. A name may have several values; their order is kept.
///
/// ```swift
/// var metadata: Metadata = ["user": "ada"]
/// metadata.append("trace-bin", [0x01, 0x02])
/// ```
///
/// A ``MetadataKey`` gives a name a type.
///
/// Source: gRPC over HTTP/2, "Custom-Metadata"
/// <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>
public struct Metadata: Sendable, Hashable {
  public enum FieldValue: Sendable, Hashable {
    case text(String)
    case bytes([UInt8])
  }

  public struct Element: Sendable, Hashable {
    public let name: String
    public let value: FieldValue
    /// Why it cannot travel, if its value could not be made.
    let fault: String?
  }

  private var elements: [Element] = []

  public init() {}

  // MARK: Reading

  /// All text values of `name`, oldest first.
  public subscript(name: String) -> [String] {
    let name = Self.canonical(name)
    return elements.compactMap { element in
      if case .text(let text) = element.value, element.name == name { text } else { nil }
    }
  }

  /// All values of `name`, which ends in `-bin`, oldest first.
  public subscript(bytes name: String) -> [[UInt8]] {
    let name = Self.canonical(name)
    return elements.compactMap { element in
      if case .bytes(let bytes) = element.value, element.name == name { bytes } else { nil }
    }
  }

  /// The first text value of `name`.
  public func first(_ name: String) -> String? { self[name].first }

  // MARK: Changing

  /// Adds a text value. Capitals in `name` become small letters.
  ///
  /// Nothing is checked here: a name or value that cannot travel fails the call that it is handed
  /// to, with the name in the error's message; see ``problem``.
  public mutating func append(_ name: String, _ value: String) {
    append(Element(name: Self.canonical(name), value: .text(value), fault: nil))
  }

  /// Adds bytes. `name` has to end in `-bin`.
  public mutating func append(_ name: String, _ value: [UInt8]) {
    append(Element(name: Self.canonical(name), value: .bytes(value), fault: nil))
  }

  mutating func append(_ element: Element) { elements.append(element) }

  /// Adds all fields of `other` behind those that are here.
  public mutating func append(contentsOf other: Metadata) {
    elements.append(contentsOf: other.elements)
  }

  /// Removes all values of `name`.
  public mutating func removeAll(_ name: String) {
    let name = Self.canonical(name)
    elements.removeAll { $0.name == name }
  }

  static func canonical(_ name: String) -> String {
    name.utf8.contains { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
      ? name.lowercased() : name
  }
}

extension Metadata: RandomAccessCollection {
  public var startIndex: Int { elements.startIndex }
  public var endIndex: Int { elements.endIndex }
  public subscript(index: Int) -> Element { elements[index] }
}

extension Metadata: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral fields: (String, String)...) {
    for (name, value) in fields { append(name, value) }
  }
}

extension Metadata: CustomStringConvertible {
  public var description: String {
    let fields = elements.map { element in
      switch element.value {
      case .text(let text): "\(element.name): \(text)"
      case .bytes(let bytes): "\(element.name): \(bytes.count) bytes"
      }
    }
    return "[" + fields.joined(separator: ", ") + "]"
  }
}
