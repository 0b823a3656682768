internal import Glibc
internal import TernCore
internal import TernTLS

/// Reads what credentials are made of. Blocks.
enum CredentialFiles {
  /// More than any chain or bundle of roots has; keeps a wrong path from filling the memory.
  private static let maxFileBytes = 16 << 20

  static func certificates(
    _ source: CertificateSource
  ) throws(TLSConfigurationError) -> [Certificate] {
    switch source.place {
    case .bytes(let bytes): return try Certificate.read(bytes, from: source)
    case .file(let path):
      let bytes = try read(path, what: "the certificates")
      return try Certificate.read(unsafe Array(bytes.bytes), from: source)
    }
  }

  static func key(_ source: PrivateKeySource) throws(TLSConfigurationError) -> PrivateKey {
    switch source.place {
    case .bytes(let bytes):
      return try PrivateKey(bytes, passphrase: source.passphrase, from: source)
    case .file(let path):
      let bytes = try read(path, what: "the private key")
      return try PrivateKey(bytes, passphrase: source.passphrase, from: source)
    }
  }

  static func identity(
    _ identity: TLSIdentity, atUnixTime now: Int
  ) throws(TLSConfigurationError) -> TLSContext.Identity {
    let made = try TLSContext.Identity(
      chain: certificates(identity.certificateChain), key: key(identity.privateKey),
      chainSource: identity.certificateChain, keySource: identity.privateKey)
    try made.checkDates(atUnixTime: now, source: identity.certificateChain)
    return made
  }

  static func roots(_ roots: TrustRoots) throws(TLSConfigurationError) -> TLSContext.Roots {
    var all: [Certificate] = []
    for source in roots.sources { all += try certificates(source) }
    return TLSContext.Roots(includesSystem: roots.includesSystem, certificates: all)
  }

  // All files are read as secrets: nobody has to know which are.
  private static func read(
    _ path: String, what: String
  ) throws(TLSConfigurationError) -> SecretBytes {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path, what, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable(path, what, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw TLSConfigurationError("Cannot read \(what) from '\(path)': it is no file.")
    }
    let size = Int(status.st_size)
    guard size > 0, size <= maxFileBytes else {
      throw TLSConfigurationError(
        "Cannot read \(what) from '\(path)': it has \(size) bytes, and 1 to \(maxFileBytes) are "
          + "expected.")
    }
    let bytes = unsafe SecretBytes(count: size) { unsafe readAll(descriptor, into: $0) }
    guard bytes.count == size else {
      throw TLSConfigurationError(
        "Cannot read \(what) from '\(path)': it has changed meanwhile.")
    }
    return bytes
  }

  private static func readAll(
    _ descriptor: CInt, into place: UnsafeMutableRawBufferPointer
  ) -> Int {
    var count = 0
    while count < place.count, let start = place.baseAddress {
      let step = unsafe Glibc.read(descriptor, start + count, place.count - count)
      if step < 0, errno == EINTR { continue }
      if step <= 0 { break }
      count += step
    }
    return count
  }

  private static func unreadable(
    _ path: String, _ what: String, _ code: Int32
  ) -> TLSConfigurationError {
    let reason = unsafe String(cString: strerror(code))
    return TLSConfigurationError(
      "Cannot read \(what) from '\(path)': \(reason). Give the path of a file that this process may "
        + "read; relative ones begin at its working directory.")
  }
}

/// What tells whether a file is another one than before, however it was replaced.
struct FileStamp: Equatable {
  private var device: UInt64 = 0
  private var inode: UInt64 = 0
  private var bytes: Int64 = 0
  private var modified: Int64 = 0

  /// Follows symbolic links, so that a link that points elsewhere is seen. A file that is missing
  /// has a stamp as well.
  init(path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    bytes = Int64(status.st_size)
    modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
  }
}

extension TLSIdentity {
  var paths: [String] { certificateChain.paths + privateKey.paths }
}

extension CertificateSource {
  var paths: [String] { if case .file(let path) = place { [path] } else { [] } }
}

extension PrivateKeySource {
  var paths: [String] { if case .file(let path) = place { [path] } else { [] } }
}
