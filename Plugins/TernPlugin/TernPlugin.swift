import Foundation
import PackagePlugin

/// Makes Swift of the `.proto` files in a target, messages and services, whenever it is built.
///
/// It runs the system's `protoc` with protoc-gen-swift and protoc-gen-tern, which come with the
/// package. A file `tern.json` beside the `.proto` files may say more; see ``Configuration``.
@main
struct TernPlugin: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
    guard let target = target as? any SourceModuleTarget else { return [] }
    let files = target.sourceFiles.map(\.url)
    let protoFiles = files.filter { $0.pathExtension == "proto" }.sorted { $0.path < $1.path }
    if protoFiles.isEmpty {
      Diagnostics.warning("TernPlugin finds no .proto file in the target '\(target.name)'.")
      return []
    }
    let configurationFiles = files.filter { $0.lastPathComponent == Configuration.fileName }
    let configuration = try Configuration(configurationFiles)
    let protoc = try Protoc.find()
    for file in protoFiles { try protoc.check(canRead: file) }

    let root = ImportRoot.find(for: protoFiles, inside: target.directoryURL)
    let swiftTool = try context.tool(named: "protoc-gen-swift").url
    let ternTool = try context.tool(named: "protoc-gen-tern").url
    let output = context.pluginWorkDirectoryURL
    let names = protoFiles.map { ImportRoot.relativePath(of: $0, to: root) }
    // Two files of one name in different directories would be an error for the compiler.
    let naming = ["FileNaming=PathToUnderscores"]

    return [
      .buildCommand(
        displayName: "Generating Swift from the .proto files of \(target.name)",
        executable: protoc.executable,
        arguments: ([root] + configuration.importPaths).map { "--proto_path=\($0.path)" }
          + ["--plugin=protoc-gen-swift=\(swiftTool.path)", "--swift_out=\(output.path)"]
          + (naming + configuration.swiftOptions).map { "--swift_opt=\($0)" }
          + ["--plugin=protoc-gen-tern=\(ternTool.path)", "--tern_out=\(output.path)"]
          + (naming + configuration.ternOptions).map { "--tern_opt=\($0)" }
          + names,
        inputFiles: protoFiles + configurationFiles + configuration.inputFiles
          + [swiftTool, ternTool],
        outputFiles: names.flatMap { name in
          let base = name.dropLast(".proto".count).replacing("/", with: "_")
          return ["\(base).pb.swift", "\(base).tern.swift"].map { output.appending(path: $0) }
        })
    ]
  }
}

/// Why the build cannot go on, in sentences for the person who started it.
struct PluginError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
