import Testing

@testable import TernCore

@Suite("Compression algorithms")
struct CompressionAlgorithmTests {
  @Test("The built-in algorithms have gRPC's names")
  func names() {
    #expect(CompressionAlgorithm.identity.name == "identity")
    #expect(CompressionAlgorithm.gzip.name == "gzip")
    #expect(CompressionAlgorithm.gzip(level: 9).name == "gzip")
    #expect(CompressionAlgorithm.deflate.name == "deflate")
    #expect("\(CompressionAlgorithm.deflate(level: 1))" == "deflate")
    #expect(CompressionAlgorithm.identity.isIdentity)
    #expect(!CompressionAlgorithm.gzip.isIdentity)
  }

  @Test(
    "A level beyond 1 to 9 is the nearest of them",
    arguments: [(-7, 1), (0, 1), (1, 1), (6, 6), (9, 9), (10, 9), (.max, 9)])
  func levels(asked: Int, used: Int32) {
    guard case .gzip(let gzip) = CompressionAlgorithm.gzip(level: asked).form,
      case .deflate(let deflate) = CompressionAlgorithm.deflate(level: asked).form
    else {
      Issue.record("another form")
      return
    }
    #expect(gzip == used)
    #expect(deflate == used)
  }

  @Test(
    "A name has to fit into a list of names",
    arguments: [
      ("snappy", true), ("x-snappy_2.0", true), ("", false), ("identity", false), ("a,b", false),
      ("a b", false), ("ü", false), ("a\n", false),
    ])
  func usableNames(name: String, isUsable: Bool) {
    #expect(CompressionAlgorithm.isUsable(name) == isUsable)
  }
}
