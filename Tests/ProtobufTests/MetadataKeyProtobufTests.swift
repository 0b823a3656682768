import SwiftProtobuf
import TernCore
import TernProtobuf
import Testing

extension MetadataKey where Value == Google_Protobuf_StringValue {
  fileprivate static var title: Self { Self("title-bin") }
}
extension MetadataKey where Value == Google_Protobuf_UninterpretedOption.NamePart {
  /// Its two fields are `required`.
  fileprivate static var strict: Self { Self("strict-bin") }
}

@Suite("Metadata keys of messages")
struct MetadataKeyProtobufTests {
  @Test("A message travels in its binary form, and comes back")
  func roundTrip() throws {
    var metadata = Metadata()

    metadata[.title] = Google_Protobuf_StringValue("Dr.")

    #expect(metadata[bytes: "title-bin"] == [[0x0A, 3] + Array("Dr.".utf8)])
    #expect(metadata[.title]?.value == "Dr.")
    #expect(metadata.problem == nil)
  }

  @Test("Bytes that are no such message are an error, and a message that is none cannot travel")
  func malformed() throws {
    var metadata = Metadata()
    metadata.append("title-bin", [0xFF])
    var incomplete = Metadata()
    incomplete[.strict] = .init()

    #expect(metadata[.title] == nil)
    let error = try #require(throws: RPCError.self) { try metadata.values(of: .title) }
    #expect(error.code == .internal)
    #expect(error.message.contains("'title-bin'"))
    #expect(incomplete.problem?.contains("'strict-bin' cannot be encoded") == true)
  }
}
