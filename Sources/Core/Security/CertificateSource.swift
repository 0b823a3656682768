/// Where certificates come from: a file, which is read again when it changes, or bytes.
///
/// Either may be PEM, with any number of certificates, or DER, with one.
public struct CertificateSource: Sendable, Hashable {
  package enum Place: Sendable, Hashable {
    case file(String)
    case bytes([UInt8])
  }

  package let place: Place

  /// A file, PEM or DER.
  public static func file(_ path: String) -> CertificateSource {
    CertificateSource(place: .file(path))
  }

  /// What such a file would hold.
  public static func bytes(_ bytes: [UInt8]) -> CertificateSource {
    CertificateSource(place: .bytes(bytes))
  }

  /// The text of a PEM file.
  public static func pem(_ text: String) -> CertificateSource { .bytes(Array(text.utf8)) }
}

extension CertificateSource: CustomStringConvertible {
  public var description: String {
    switch place {
    case .file(let path): "'\(path)'"
    case .bytes(let bytes): "(\(bytes.count) bytes in memory)"
    }
  }
}

/// Whom to believe: certificates of authorities.
public struct TrustRoots: Sendable, Hashable {
  package let includesSystem: Bool
  package let sources: [CertificateSource]

  /// What the machine trusts: on Debian the package `ca-certificates`.
  public static let system = TrustRoots(includesSystem: true, sources: [])

  /// Only what a file has, PEM or DER.
  public static func file(_ path: String) -> TrustRoots { only(.file(path)) }

  /// Only what such a file would hold.
  public static func bytes(_ bytes: [UInt8]) -> TrustRoots { only(.bytes(bytes)) }

  /// Only what the text of a PEM file has.
  public static func pem(_ text: String) -> TrustRoots { only(.pem(text)) }

  private static func only(_ source: CertificateSource) -> TrustRoots {
    TrustRoots(includesSystem: false, sources: [source])
  }

  /// These and more: `.system.adding(.file("our-ca.crt"))`.
  public func adding(_ source: CertificateSource) -> TrustRoots {
    TrustRoots(includesSystem: includesSystem, sources: sources + [source])
  }
}
