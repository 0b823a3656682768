internal import TernBytes
internal import TernCore

// MARK: Sending

extension FieldBlock {
  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  // Spec: W24 (PROTOCOL-HTTP2, Binary-Header)
  // Spec: W26 (PROTOCOL-HTTP2, Custom-Metadata: order of repeated names)
  /// Adds what can travel of `metadata`. What has a ``Metadata/problem`` is left out: the call has
  /// failed with it before, and here it must not pass for a field of the protocol.
  func append(_ metadata: Metadata) {
    for element in metadata where Metadata.problem(of: element) == nil {
      switch element.value {
      case .bytes(let bytes): append(name: element.name, base64: bytes)
      case .text(let text): append(name: element.name, value: Self.trimmed(text))
      }
    }
  }

  // Spec: W22 (PROTOCOL-HTTP2, ASCII-Value)
  /// Without blanks at both ends: nothing may rely on them, and HTTP/2 libraries refuse them.
  private static func trimmed(_ text: String) -> String {
    let blank = UInt8(ascii: " ")
    guard text.utf8.first == blank || text.utf8.last == blank else { return text }
    let rest = text.utf8.drop { $0 == blank }
    guard let last = rest.lastIndex(where: { $0 != blank }) else { return "" }
    return String(Substring(rest[...last]))
  }
}

// MARK: Receiving

extension Metadata {
  // Spec: W23 (PROTOCOL-HTTP2, ASCII-Value: what receivers do with other bytes)
  /// Makes metadata of fields that were received. They are the application's: reserved names were
  /// never put among them.
  init(received fields: FieldBlock) {
    self.init()
    for index in 0..<fields.count {
      let name = fields.nameText(at: index)
      if unsafe FieldName.isBinary(fields.name(at: index)) {
        let value = unsafe fields.value(at: index)
        unsafe BinaryValue.forEachPiece(of: value) { piece in
          if let bytes = unsafe Base64.decode(piece) { append(name, bytes) }
          return true
        }
      } else {
        append(name, fields.valueText(at: index))
      }
    }
  }
}

/// The value of a field whose name ends in `-bin`.
enum BinaryValue {
  // Spec: W24 (PROTOCOL-HTTP2, Binary-Header: split on commas first)
  // Spec: W25 (PROTOCOL-HTTP2, Binary-Header: what is not base64)
  static func isValid(_ value: UnsafeRawBufferPointer) -> Bool {
    unsafe forEachPiece(of: value) { unsafe Base64.isValid($0) }
  }

  /// Calls `body` with what stands between commas, without blanks around it, until it says `false`.
  ///
  /// - Returns: whether `body` never said `false`.
  @discardableResult
  static func forEachPiece(
    of value: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Bool
  ) -> Bool {
    var start = 0
    for end in 0...value.count {
      guard unsafe end == value.count || value[end] == UInt8(ascii: ",") else { continue }
      var first = start
      var last = end
      while first < last, unsafe isBlank(value[first]) { first += 1 }
      while last > first, unsafe isBlank(value[last - 1]) { last -= 1 }
      guard unsafe body(UnsafeRawBufferPointer(rebasing: value[first..<last])) else { return false }
      start = end + 1
    }
    return true
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }
}
