import TernBytes
import Testing

@Suite("Field block")
struct FieldBlockTests {
  @Test("Fields stay in the order in which they came, repeated names included")
  func order() {
    let block = FieldBlock(["b": "1", "a": "2", "b": "3"])

    #expect((0..<block.count).map { block.nameText(at: $0) } == ["b", "a", "b"])
    #expect((0..<block.count).map { block.valueText(at: $0) } == ["1", "2", "3"])
    #expect(block.byteCount == 6)
  }

  @Test("Each way to add a field keeps names and values apart")
  func appending() {
    let block = FieldBlock()

    block.append(name: "text", value: "value")
    block.append(name: "bytes", value: [0x31, 0x32])
    block.append(name: "x-bin", base64: [0xFF, 0xFE])
    block.append(name: "message", percentCoded: "50% ü", maxBytes: 100)
    unsafe Array("raw".utf8).withUnsafeBytes { unsafe block.append(name: $0, value: $0) }
    block.append(name: "", value: "")

    #expect(
      (0..<block.count).map { "\(block.nameText(at: $0))=\(block.valueText(at: $0))" } == [
        "text=value", "bytes=12", "x-bin=//4", "message=50%25 %C3%BC", "raw=raw", "=",
      ])
  }

  @Test("An emptied block begins anew")
  func emptying() {
    let block = FieldBlock(["a": "1"])

    block.removeAll()
    #expect(block.isEmpty)
    #expect(block.byteCount == 0)

    block.append(name: "b", value: "2")
    #expect(block.nameText(at: 0) == "b")
    #expect(block.valueText(at: 0) == "2")
  }

  @Test("A value that is not UTF-8 is repaired when it is asked for as text")
  func repair() {
    let block = FieldBlock()

    block.append(name: "a", value: [0x41, 0xFF])

    #expect(block.valueText(at: 0) == "A\u{FFFD}")
  }
}
