import SwiftProtobufPluginLibrary
import Testing

@Suite("Options of protoc-gen-tern")
struct OptionTests {
  @Test("An unknown option is refused by name, with those that are known")
  func unknown() throws {
    let response = try Generation.run(["greeter.proto"], options: "Visiblity=Public")

    #expect(
      response.error == """
        Unknown option 'Visiblity'. Known are Visibility=Public|Package|Internal, \
        Server=true|false, Client=true|false, FileNaming=FullPath|PathToUnderscores|DropPath and \
        ProtoPathModuleMappings=FILE.
        """)
    #expect(response.file.isEmpty)
  }

  @Test(
    "A value that an option cannot have is refused with those that it can have",
    arguments: [
      ("Visibility=Open", "The option 'Visibility' cannot be 'Open'."),
      ("Visibility", "The option 'Visibility' cannot be ''."),
      ("Server=yes", "The option 'Server' cannot be 'yes'. It can be true, false."),
      ("Client=", "The option 'Client' cannot be ''. It can be true, false."),
      ("FileNaming=Flat", "It can be FullPath, PathToUnderscores, DropPath."),
      ("ProtoPathModuleMappings=/nowhere", "The file '/nowhere' of the option"),
    ])
  func wrongValue(options: String, message: String) throws {
    let response = try Generation.run(["greeter.proto"], options: options)

    #expect(response.error.contains(message))
  }

  @Test("Values are read without regard to case", arguments: ["public", "PUBLIC", "Public"])
  func caseOfValues(value: String) throws {
    let text = try Generation.text("greeter.proto", options: "Visibility=\(value)")

    #expect(text.contains("public import Tern"))
  }

  @Test(
    "The output is named after the input",
    arguments: [
      ("FullPath", "library/catalogue.tern.swift"),
      ("PathToUnderscores", "library_catalogue.tern.swift"),
      ("DropPath", "catalogue.tern.swift"),
    ])
  func fileNaming(value: String, name: String) throws {
    let response = try Generation.run(
      ["library/catalogue.proto"], options: "FileNaming=\(value)")

    #expect(response.file.map(\.name) == [name])
  }

  @Test("Two files of the same name are an error if their paths are dropped")
  func sameName() throws {
    let response = try Generation.run(
      ["kinds.proto", "same_name/kinds.proto"], options: "FileNaming=DropPath")

    #expect(response.error.contains("kinds.tern.swift"))
  }
}
