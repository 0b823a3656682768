internal import TernCore

/// How the library names itself.
package enum UserAgent {
  // Spec: W10 (PROTOCOL-HTTP2, User-Agents)
  private static let library = "grpc-swift-tern/\(TernVersion.text)"

  /// - Parameter application: goes first. Characters outside printable ASCII become `?`.
  package static func text(application: String?) -> String {
    guard let application else { return library }
    let characters = application.unicodeScalars.map { scalar in
      (0x20...0x7E).contains(scalar.value) ? Character(scalar) : "?"
    }
    let words = characters.split(separator: " ").map { String($0) }
    return (words + [library]).joined(separator: " ")
  }
}
