import TernCore
import Testing

extension MetadataKey where Value == [UInt8] {
  fileprivate static var trace: Self { Self("Trace-bin") }
}
extension MetadataKey where Value == Int {
  fileprivate static var shard: Self { Self("shard") }
}
extension MetadataKey where Value == String {
  fileprivate static var user: Self { Self("user") }
}

/// A type with functions of its own.
private struct Version: Equatable {
  struct Malformed: Error {}
  var number: UInt8
}
extension MetadataKey where Value == Version {
  fileprivate static var version: Self {
    Self("version-bin") { version in
      guard version.number < 100 else { throw Version.Malformed() }
      return [version.number]
    } decode: { bytes in
      guard bytes.count == 1 else { throw Version.Malformed() }
      return Version(number: bytes[0])
    }
  }
}

@Suite("Metadata keys")
struct MetadataKeyTests {
  // Spec: W24 (PROTOCOL-HTTP2, Binary-Header)
  @Test("Values of each type are written and read by their key")
  func types() throws {
    var metadata = Metadata()

    metadata[.trace] = [1, 0xFF]
    metadata[.shard] = -7
    metadata[.user] = "ada"
    metadata[.version] = Version(number: 3)

    #expect(metadata[.trace] == [1, 0xFF])
    #expect(metadata[.shard] == -7)
    #expect(metadata[.user] == "ada")
    #expect(metadata[.version] == Version(number: 3))
    #expect(metadata[bytes: "trace-bin"] == [[1, 0xFF]])
    #expect(metadata["shard"] == ["-7"])
    #expect(metadata.problem == nil)
  }

  // Spec: W26 (PROTOCOL-HTTP2, Custom-Metadata: the order of values)
  @Test("Several values keep their order; setting replaces them, and nil removes them")
  func several() throws {
    var metadata: Metadata = ["other": "x"]

    metadata.append(.shard, 1)
    metadata.append(.shard, 2)
    #expect(try metadata.values(of: .shard) == [1, 2])
    #expect(metadata[.shard] == 1)

    metadata[.shard] = 3
    #expect(try metadata.values(of: .shard) == [3])

    metadata[.shard] = nil
    #expect(metadata == ["other": "x"])
    #expect(metadata[.shard] == nil)
  }

  @Test("What is not of the key's type is not there, or an error that says so")
  func wrongType() throws {
    var metadata: Metadata = ["shard": "seven", "version-bin": "text"]
    metadata.append("version-bin", [1, 2])

    #expect(metadata[.shard] == nil)
    #expect(metadata[.version] == nil)
    let shard = try #require(throws: RPCError.self) { try metadata.values(of: .shard) }
    #expect(shard.code == .internal)
    #expect(shard.message == "The metadata 'shard' has a value that is not a 'Int'.")
    metadata.removeAll("version-bin")
    metadata.append("version-bin", [1, 2])
    let version = try #require(throws: RPCError.self) { try metadata.values(of: .version) }
    #expect(version.cause is Version.Malformed)

    metadata.append("shard", "8")
    #expect(metadata[.shard] == 8)
  }

  @Test("What cannot be encoded, or has a name for other values, cannot travel")
  func problems() throws {
    var unencodable = Metadata()
    unencodable[.version] = Version(number: 200)
    var misnamed = Metadata()
    misnamed[MetadataKey<[UInt8]>("trace")] = [1]
    var umlaut = Metadata()
    umlaut[.user] = "é"

    #expect(unencodable.problem?.contains("'version-bin' cannot be encoded") == true)
    #expect(misnamed.problem?.contains("'-bin'") == true)
    #expect(umlaut.problem?.contains("'user'") == true)
  }
}
