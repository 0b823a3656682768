import InteropCases
import Testing

/// One case of gRPC's interoperability tests between two sides.
struct MatrixCell: Sendable, Hashable, CustomTestStringConvertible {
  enum Side: String, Sendable {
    case tern = "Tern"
    case grpcio = "gRPC Python"
    case cpp = "C++"
    case hostile = "hostile server"
  }

  enum Security: String, Sendable, CaseIterable {
    case plaintext = "plain"
    case tls = "TLS"
  }

  /// Who calls whom, and how: a column of the matrix.
  struct Column: Sendable, Hashable {
    var client: Side
    var server: Side
    var security: Security

    var name: String { "\(client.rawValue) → \(server.rawValue), \(security.rawValue)" }
  }

  var testCase: TestCase
  var column: Column

  var testDescription: String { "\(testCase.rawValue): \(column.name)" }

  static let columns: [Column] = {
    let pairs: [(Side, Side)] = [
      (.tern, .cpp), (.tern, .grpcio), (.cpp, .tern), (.grpcio, .tern), (.tern, .tern),
      (.tern, .hostile), (.cpp, .hostile), (.grpcio, .hostile),
    ]
    return pairs.flatMap { client, server in
      Security.allCases.map { Column(client: client, server: server, security: $0) }
    }
  }()

  static let all = columns.flatMap { column in
    TestCase.allCases.map { MatrixCell(testCase: $0, column: column) }.filter(\.exists)
  }

  /// The cells in which `client` calls a server that is as it should be, or the hostile one.
  static func all(client: Side) -> [MatrixCell] { all.filter { $0.column.client == client } }

  private var exists: Bool {
    guard (testCase.group == .hostile) == (column.server == .hostile) else { return false }
    return switch (column.client, column.server, testCase) {
    // gRPC Python does not tell whether a message came compressed, and its client compresses all
    // messages of a call or none.
    case (_, .grpcio, .clientCompressedUnary), (_, .grpcio, .clientCompressedStreaming): false
    case (.grpcio, _, .serverCompressedUnary), (.grpcio, _, .serverCompressedStreaming),
      (.grpcio, _, .clientCompressedStreaming):
      false
    // C-core, which both are made of, takes padded DATA for an error.
    case (.cpp, _, .dataFramePadding), (.grpcio, _, .dataFramePadding): false
    // A client that rests: nothing in it is new to the server.
    case (.cpp, _, .longLivedChannel), (.grpcio, _, .longLivedChannel): false
    default: true
    }
  }
}
