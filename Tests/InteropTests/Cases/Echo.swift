import ExampleProtos
import Tern
import TernErrorDetails

/// The test service of plain bytes, as a Tern client or server sees it. Tests/Peers has the same
/// for gRPC Python.
///
/// Metadata of a call may say `compress-response` (`gzip` or `deflate`), and `plain-response` with the
/// number of one message of ``serverStream`` that is not to be compressed.
enum Echo {
  static let service = "tern.test.Echo"

  /// Answers its request.
  static let unary = method("Unary", .unary)
  /// `COUNT SIZE`: so many messages of so many bytes, each the number of the message.
  static let serverStream = method("ServerStream", .serverStreaming)
  /// Answers `BYTES COUNT`: what came.
  static let clientStream = method("ClientStream", .clientStreaming)
  /// Answers each request.
  static let bidi = method("Bidi", .bidirectional)
  /// `CODE MESSAGE`: fails so, with trailing metadata.
  static let fail = method("Fail", .unary)
  /// `CODE MESSAGE`: fails so, with the details ``details(_:)``.
  static let failWithDetails = method("FailWithDetails", .unary)
  /// Fails as the first request says, after an answer, and does not read the others.
  static let failEarly = method("FailEarly", .bidirectional)
  /// Hangs until it is cancelled; the request is a key.
  static let hang = method("Hang", .unary)
  /// The same, after a first answer.
  static let hangStream = method("HangStream", .serverStreaming)
  /// `started KEY` or `cancelled KEY`: answers once it is so.
  static let reach = method("Reach", .unary)

  /// What an error with this message carries: a usual type, and one of the examples'.
  static func details(_ text: String) -> (badRequest: BadRequest, hello: Greet_HelloRequest) {
    let violation = BadRequest.FieldViolation.with {
      $0.field = "name"
      $0.description_p = text
    }
    return (.with { $0.fieldViolations = [violation] }, .with { $0.name = text })
  }

  static func method(
    _ name: String, _ kind: CallKind, service: String = service
  ) -> RPCMethod<[UInt8], [UInt8]> {
    RPCMethod(
      MethodDescriptor(service: service, method: name, kind: kind),
      requestCodec: .bytes, responseCodec: .bytes)
  }
}

extension [UInt8] {
  init(_ text: String) { self = Array(text.utf8) }
  var text: String { String(decoding: self, as: UTF8.self) }
}

extension Metadata {
  /// The fields whose names begin with `prefix`, under `replacement` instead.
  ///
  /// Sorted by name, since nobody promises an order across names.
  func renamed(_ prefix: String, to replacement: String) -> Metadata {
    var renamed = Metadata()
    let fields = filter { $0.name.hasPrefix(prefix) }
    for name in Set(fields.map(\.name)).sorted() {
      let newName = replacement + name.dropFirst(prefix.count)
      for field in fields where field.name == name {
        switch field.value {
        case .text(let text): renamed.append(newName, text)
        case .bytes(let bytes): renamed.append(newName, bytes)
        }
      }
    }
    return renamed
  }
}
