import TernCore
import Testing

@Suite("Metadata")
struct MetadataTests {
  // Spec: W26 (PROTOCOL-HTTP2, Custom-Metadata: order of repeated names)
  @Test("Values of one name keep their order")
  func order() {
    var metadata: Metadata = ["a": "1", "b": "2", "a": "3"]
    metadata.append("a", "4")

    #expect(metadata["a"] == ["1", "3", "4"])
    #expect(metadata.first("a") == "1")
    #expect(metadata.map(\.name) == ["a", "b", "a", "a"])
  }

  // Spec: W22 (PROTOCOL-HTTP2, Custom-Metadata: lower case)
  @Test("Capitals in names become small letters, when adding and when asking")
  func capitals() {
    let metadata: Metadata = ["X-User": "ada"]

    #expect(metadata["x-user"] == ["ada"])
    #expect(metadata["X-USER"] == ["ada"])
    #expect(metadata.first(where: { _ in true })?.name == "x-user")
  }

  @Test("Text and bytes under one name do not mix")
  func kinds() {
    var metadata = Metadata()
    metadata.append("x-bin", [1])
    metadata.append("x-bin", "text")

    #expect(metadata[bytes: "X-Bin"] == [[1]])
    #expect(metadata["x-bin"] == ["text"])
  }

  @Test("Removing takes all values of a name")
  func removing() {
    var metadata: Metadata = ["a": "1", "b": "2", "a": "3"]

    metadata.removeAll("A")

    #expect(metadata == ["b": "2"])
    #expect(metadata["a"] == [])
    #expect(metadata.first("a") == nil)
  }

  @Test("Appending puts the other's fields behind")
  func appending() {
    var metadata: Metadata = ["a": "1"]

    metadata.append(contentsOf: ["b": "2", "a": "3"])

    #expect(metadata == ["a": "1", "b": "2", "a": "3"])
  }

  @Test("Bytes are printed by their number only")
  func printing() {
    var metadata: Metadata = ["user": "ada"]
    metadata.append("trace-bin", [1, 2])

    #expect("\(metadata)" == "[user: ada, trace-bin: 2 bytes]")
  }
}

@Suite("Metadata rules")
struct MetadataRulesTests {
  // Spec: W22 (PROTOCOL-HTTP2, Custom-Metadata)
  @Test("Letters, digits and three signs make a name")
  func goodNames() {
    #expect((["abc-019_x.y": "v", "A": ""] as Metadata).problem == nil)
  }

  @Test(
    "A name with other characters cannot travel, and is named",
    arguments: ["", " ", "a b", "a:b", "ä", "a/b", "a\n", "\0", "É"])
  func badNames(name: String) throws {
    let problem = try #require(([name: "v"] as Metadata).problem)

    #expect(problem.contains("'\(name)'"))
  }

  // Spec: W13 (PROTOCOL-HTTP2, reserved names)
  @Test(
    "The protocol's names are reserved",
    arguments: [
      "grpc-timeout", "grpc-", "grpc-anything-bin", "GRPC-Status", "content-type", "te", "host",
      "user-agent", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
    ])
  func reservedNames(name: String) {
    var metadata = Metadata()
    if name.hasSuffix("-bin") { metadata.append(name, [1]) } else { metadata.append(name, "v") }

    #expect(metadata.problem?.contains("reserved") == true)
  }

  @Test("Pseudo fields are reserved")
  func pseudoFields() {
    #expect(Metadata.isReserved(":path"))
    #expect(([":path": "/"] as Metadata).problem != nil)
  }

  @Test(
    "Names that only look like the protocol's are free", arguments: ["grpc", "x-grpc-a", "tea"])
  func freeNames(name: String) {
    #expect(!Metadata.isReserved(name))
    #expect(([name: "v"] as Metadata).problem == nil)
  }

  // Spec: W22 (PROTOCOL-HTTP2, ASCII-Value)
  @Test("Text is printable ASCII", arguments: ["é", "a\nb", "\u{7F}", "\t", "\0"])
  func badText(text: String) {
    #expect((["a": text] as Metadata).problem?.contains("'a'") == true)
    #expect((["a": " !~"] as Metadata).problem == nil)
  }

  // Spec: W24 (PROTOCOL-HTTP2, Binary-Header)
  @Test("Bytes need a name that ends in -bin, and text one that does not")
  func binaryNames() {
    var bytes = Metadata()
    bytes.append("a", [1])
    var good = Metadata()
    good.append("a-bin", [0xFF])

    #expect(bytes.problem?.contains("'-bin'") == true)
    #expect((["a-bin": "text"] as Metadata).problem?.contains("'-bin'") == true)
    #expect(good.problem == nil)
  }

  @Test("The first problem is told")
  func firstProblem() {
    let metadata: Metadata = ["good": "v", "te": "v", "bad name": "v"]

    #expect(metadata.problem?.contains("'te'") == true)
  }
}
