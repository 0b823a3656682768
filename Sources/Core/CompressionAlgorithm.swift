public import TernBytes

/// How messages are made shorter on their way.
///
/// ```swift
/// var options = ChannelOptions()
/// options.compression = .gzip
/// ```
///
/// ``gzip`` and ``deflate`` are built in. Others are made of two functions:
///
/// ```swift
/// let snappy = CompressionAlgorithm(
///   name: "snappy",
///   compress: { message, output in output.append(contentsOf: Snappy.compress(message)) },
///   decompress: { bytes, output, maxBytes in
///     output.append(contentsOf: try Snappy.decompress(bytes, atMost: maxBytes))
///   })
/// options.acceptedCompression.append(snappy)
/// ```
///
/// Source: <https://github.com/grpc/grpc/blob/master/doc/compression.md>
public struct CompressionAlgorithm: Sendable {
  /// Adds the compressed form of a message to a buffer, which is empty at first. The message is
  /// valid only during the call.
  public typealias Compress = @Sendable (_ message: RawSpan, _ output: ByteBuffer) throws -> Void
  /// Adds the message to a buffer, which is empty at first. The bytes are valid only during the call.
  ///
  /// They come from the other side, and may be made to unpack to gigabytes: the function has to stop
  /// when it has more than `maxBytes`. A buffer with more than that says that the message is too
  /// large; an error says that the bytes are damaged.
  public typealias Decompress =
    @Sendable (_ bytes: RawSpan, _ output: ByteBuffer, _ maxBytes: Int) throws -> Void

  package enum Form: Sendable {
    case identity
    case gzip(level: Int32)
    case deflate(level: Int32)
    case custom(Compress, Decompress)
  }

  /// One word to copy, and none to look at where there is no algorithm.
  private final class Storage: Sendable {
    let name: String
    let form: Form

    init(_ name: String, _ form: Form) {
      self.name = name
      self.form = form
    }
  }

  private let storage: Storage

  private init(_ storage: Storage) { self.storage = storage }

  /// What stands for it in `grpc-encoding`.
  public var name: String { storage.name }
  package var form: Form { storage.form }
  package var isIdentity: Bool { storage === Self.identity.storage }

  /// Whether both are the same value, and not only of the same name.
  package func isSame(as other: CompressionAlgorithm) -> Bool { storage === other.storage }

  /// Not compressed.
  public static let identity = CompressionAlgorithm(Storage("identity", .identity))
  /// The format of RFC 1952, which all gRPC libraries know, at zlib's usual level.
  public static let gzip = CompressionAlgorithm(Storage("gzip", .gzip(level: defaultLevel)))
  /// The format of RFC 1950 (zlib's), at zlib's usual level. Known to fewer libraries than ``gzip``.
  public static let deflate = CompressionAlgorithm(
    Storage("deflate", .deflate(level: defaultLevel)))

  /// - Parameter level: 1 (fastest) to 9 (shortest). What is beyond counts as the nearest of them.
  public static func gzip(level: Int) -> CompressionAlgorithm {
    CompressionAlgorithm(Storage("gzip", .gzip(level: clamped(level))))
  }

  /// - Parameter level: 1 (fastest) to 9 (shortest). What is beyond counts as the nearest of them.
  public static func deflate(level: Int) -> CompressionAlgorithm {
    CompressionAlgorithm(Storage("deflate", .deflate(level: clamped(level))))
  }

  private static let defaultLevel: Int32 = 6

  private static func clamped(_ level: Int) -> Int32 { Int32(min(max(level, 1), 9)) }

  /// An algorithm of your own. Both functions are called on the threads that send and read messages,
  /// several at once.
  ///
  /// - Parameter name: What stands for it in `grpc-encoding`: letters, digits, `-`, `_` or `.`, and
  ///   not `identity`. Anything else ends the program here: no other side could read it.
  public init(name: String, compress: @escaping Compress, decompress: @escaping Decompress) {
    precondition(
      Self.isUsable(name),
      "'\(name)' cannot name a compression algorithm. Use letters, digits, '-', '_' or '.', and "
        + "another name than 'identity'.")
    self.init(Storage(name, .custom(compress, decompress)))
  }

  static func isUsable(_ name: String) -> Bool {
    if name.isEmpty || name == "identity" { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "."):
        true
      default: false
      }
    }
  }
}

extension CompressionAlgorithm: CustomStringConvertible {
  public var description: String { name }
}
