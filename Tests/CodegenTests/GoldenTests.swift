import Foundation
import SwiftProtobufPluginLibrary
import Testing

/// What is generated, word for word.
///
/// `RENEW_GOLDEN=1 swift test --filter CodegenTests` writes the golden files anew; read their
/// difference before it is committed.
@Suite("Generated code")
struct GoldenTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var proto: String
    var golden: String
    var options = "Visibility=Public"

    var testDescription: String { golden }
  }

  static let cases = [
    Case(proto: "greeter", golden: "greeter"),
    Case(proto: "greeter", golden: "greeter.internal", options: ""),
    Case(proto: "greeter", golden: "greeter.package", options: "Visibility=Package"),
    Case(proto: "greeter", golden: "greeter.server", options: "Client=false"),
    Case(proto: "greeter", golden: "greeter.client", options: "Server=false"),
    Case(proto: "kinds", golden: "kinds"),
    Case(proto: "names", golden: "names"),
    Case(proto: "hidden", golden: "hidden"),
    Case(proto: "module_name", golden: "module_name"),
    Case(proto: "nested", golden: "nested"),
    Case(proto: "comments", golden: "comments"),
    Case(proto: "legacy", golden: "legacy"),
    Case(proto: "library/catalogue", golden: "catalogue"),
    Case(
      proto: "library/catalogue", golden: "catalogue.mapped",
      options: "Visibility=Public,ProtoPathModuleMappings=\(modules)"),
    Case(proto: "library/shared/book", golden: "book"),
  ]

  private static let modules = Generation.fixtures.appending(path: "modules.asciipb").path()

  @Test("The text is the golden file's", arguments: cases)
  func golden(testCase: Case) throws {
    let file = Generation.fixtures.appending(path: "golden/\(testCase.golden).txt")
    let text = try Generation.text("\(testCase.proto).proto", options: testCase.options)

    if ProcessInfo.processInfo.environment["RENEW_GOLDEN"] == "1" {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }

    #expect(try text == String(contentsOf: file, encoding: .utf8))
  }

  @Test("It stays short", arguments: [("greeter", 60), ("kinds", 160)])
  func length(proto: String, maxLines: Int) throws {
    let text = try Generation.text("\(proto).proto", options: "Visibility=Public")

    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= maxLines)
  }

  @Test("The same input gives the same text, whatever else is generated beside it")
  func deterministic() throws {
    let protos = ["kinds.proto", "library/catalogue.proto", "library/shared/book.proto"]

    let together = try Generation.run(protos)
    let again = try Generation.run(protos.reversed())

    for proto in protos {
      let alone = try Generation.run([proto]).file[0]
      #expect(together.file.contains(alone))
      #expect(again.file.contains(alone))
    }
  }
}
