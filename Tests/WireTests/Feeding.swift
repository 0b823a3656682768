import TernBytes
import TernWire

/// Feeds as the HTTP/2 layer does: pointers that are gone after the call.
func withBytes<Result>(
  of text: some Sequence<UInt8>, _ body: (UnsafeRawBufferPointer) -> Result
) -> Result {
  unsafe Array(text).withUnsafeBytes { unsafe body($0) }
}

typealias Fields = KeyValuePairs<String, String>

extension RequestHead {
  func receive(_ name: String, _ value: String) {
    unsafe withBytes(of: name.utf8) { name in
      unsafe withBytes(of: value.utf8) { unsafe receive(name: name, value: $0) }
    }
  }

  func receive(_ fields: Fields) {
    for (name, value) in fields { receive(name, value) }
  }

  var refusal: RequestRefusal? {
    if case .refused(let refusal) = verdict() { refusal } else { nil }
  }
}

extension ResponseState {
  func receive(_ name: String, _ value: String) {
    unsafe withBytes(of: name.utf8) { name in
      unsafe withBytes(of: value.utf8) { unsafe receive(name: name, value: $0) }
    }
  }

  func receive(_ fields: Fields, endOfStream: Bool) -> Action {
    for (name, value) in fields { receive(name, value) }
    return receiveFieldsEnd(endOfStream: endOfStream)
  }

  func receiveData(_ text: String) -> Action {
    unsafe withBytes(of: text.utf8) { unsafe receiveData($0) }
  }
}

extension FieldBlock {
  /// Each field as `name: value`.
  var lines: [String] { (0..<count).map { "\(nameText(at: $0)): \(valueText(at: $0))" } }

  /// The first value of a name.
  func value(of name: String) -> String? {
    (0..<count).first { nameText(at: $0) == name }.map { valueText(at: $0) }
  }
}
