internal import Glibc

/// Where a private key comes from. Nothing of the key is in its description, nor in a log or error.
public struct PrivateKeySource: Sendable {
  package enum Place: Sendable {
    case file(String)
    case bytes(SecretBytes)
  }

  package let place: Place
  package let passphrase: SecretBytes?

  private init(_ place: Place, passphrase: String?) {
    self.place = place
    self.passphrase = passphrase.map { SecretBytes(Array($0.utf8)) }
  }

  /// A file, PEM or DER, which is read again when it changes.
  ///
  /// - Parameter passphrase: For a key that is encrypted.
  public static func file(_ path: String, passphrase: String? = nil) -> PrivateKeySource {
    PrivateKeySource(.file(path), passphrase: passphrase)
  }

  /// What such a file would hold. The copy that is made of it is overwritten when it is no longer
  /// needed; yours is up to you.
  public static func bytes(_ bytes: [UInt8], passphrase: String? = nil) -> PrivateKeySource {
    PrivateKeySource(.bytes(SecretBytes(bytes)), passphrase: passphrase)
  }

  /// The text of a PEM file.
  public static func pem(_ text: String, passphrase: String? = nil) -> PrivateKeySource {
    .bytes(Array(text.utf8), passphrase: passphrase)
  }
}

extension PrivateKeySource: CustomStringConvertible {
  public var description: String {
    switch place {
    case .file(let path): "'\(path)'"
    case .bytes: "(a key in memory)"
    }
  }
}

/// Bytes that are overwritten when the last owner lets go of them, and that no description shows.
@safe package final class SecretBytes: @unchecked Sendable {
  // `@unchecked Sendable` because they do not change between `init` and `deinit`.
  private let memory: UnsafeMutableRawBufferPointer
  package let count: Int

  package init(_ bytes: [UInt8]) {
    unsafe memory = .allocate(byteCount: bytes.count, alignment: 1)
    unsafe memory.copyBytes(from: bytes)
    count = bytes.count
  }

  /// Takes over what `fill` puts into new memory of `count` bytes, of which it says how many count.
  package init(count: Int, fill: (UnsafeMutableRawBufferPointer) -> Int) {
    unsafe memory = .allocate(byteCount: count, alignment: 1)
    self.count = min(count, max(0, unsafe fill(memory)))
  }

  deinit {
    if let start = unsafe memory.baseAddress { unsafe explicit_bzero(start, memory.count) }
    unsafe memory.deallocate()
  }

  /// Valid as long as this object.
  @unsafe package var bytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: memory[..<count])
  }
}

extension SecretBytes: CustomStringConvertible, CustomReflectable {
  package var description: String { "(secret)" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
