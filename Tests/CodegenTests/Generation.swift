import Foundation
import SwiftProtobuf
import SwiftProtobufPluginLibrary
import TernCodegen
import Testing

/// Runs protoc and the generator on the fixtures, as protoc would run protoc-gen-tern.
enum Generation {
  static let fixtures = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/Codegen")

  /// - Returns: What the generator answers to protoc.
  static func run(
    _ protoFiles: [String], options: String = ""
  ) throws -> Google_Protobuf_Compiler_CodeGeneratorResponse {
    let request = try Google_Protobuf_Compiler_CodeGeneratorRequest.with {
      $0.fileToGenerate = protoFiles
      $0.parameter = options
      $0.protoFile = try descriptors(of: protoFiles)
    }
    return generateCode(request: request, generator: TernGenerator())
  }

  /// The one file that is generated for `protoFile`.
  static func text(_ protoFile: String, options: String = "") throws -> String {
    let response = try run([protoFile], options: options)
    try #require(!response.hasError, "\(response.error)")
    try #require(response.file.count == 1)
    return response.file[0].content
  }

  private static func descriptors(
    of protoFiles: [String]
  ) throws -> [Google_Protobuf_FileDescriptorProto] {
    let output = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: output) }
    let protoc = Process()
    protoc.executableURL = URL(filePath: "/usr/bin/env")
    protoc.arguments =
      [
        ProcessInfo.processInfo.environment["PROTOC_PATH"] ?? "protoc",
        "--proto_path=\(fixtures.appending(path: "protos").path())",
        "--descriptor_set_out=\(output.path())", "--include_source_info", "--include_imports",
      ] + protoFiles
    try protoc.run()
    protoc.waitUntilExit()
    try #require(
      protoc.terminationStatus == 0,
      "protoc failed. It is in Debian's package protobuf-compiler; PROTOC_PATH names another one.")
    return try Google_Protobuf_FileDescriptorSet(serializedBytes: Data(contentsOf: output)).file
  }
}
