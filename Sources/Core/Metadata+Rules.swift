extension Metadata {
  /// Why this cannot travel, in a sentence with the name in it; `nil` if it can.
  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  // Spec: W22 (PROTOCOL-HTTP2, Custom-Metadata)
  package var problem: String? {
    for element in self {
      if let problem = Self.problem(of: element) { return problem }
    }
    return nil
  }

  package static func problem(of element: Element) -> String? {
    let name = element.name
    guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else {
      return "The metadata name '\(name)' has characters that cannot travel. "
        + "Use small letters, digits, '_', '-' and '.'."
    }
    if isReserved(name) {
      return "The metadata name '\(name)' is reserved by gRPC. Choose another name."
    }
    if let fault = element.fault { return fault }
    switch element.value {
    case .bytes where !name.hasSuffix("-bin"):
      return "The metadata '\(name)' holds bytes, so its name has to end in '-bin'."
    case .text where name.hasSuffix("-bin"):
      return "The metadata '\(name)' ends in '-bin', so its value has to be bytes."
    case .text(let text) where !text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }):
      return "The value of the metadata '\(name)' has characters outside printable ASCII. "
        + "Send it as bytes, under a name that ends in '-bin'."
    case .text, .bytes:
      return nil
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// Names that belong to the protocol: an application neither sets nor sees them.
  ///
  /// `user-agent` is one of them: it names the library, and an application adds itself with an
  /// option of the channel.
  package static func isReserved(_ name: String) -> Bool {
    switch name {
    case "content-type", "te", "host", "user-agent", "connection", "keep-alive",
      "proxy-connection", "transfer-encoding", "upgrade":
      true
    default: name.hasPrefix(":") || name.hasPrefix("grpc-")
    }
  }
}
