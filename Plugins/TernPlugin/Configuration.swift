import Foundation

/// What `tern.json` says. Everything has a default, and so has the file itself:
///
/// ```json
/// {
///   "visibility": "public",
///   "client": false
/// }
/// ```
struct Configuration {
  static let fileName = "tern.json"

  private enum Visibility: String, CaseIterable {
    case `public`, package, `internal`
  }

  /// `visibility`: of what is generated, `public`, `package` or `internal` (the default).
  private var visibility = Visibility.internal
  /// `server`: whether to generate what servers need; the default is `true`.
  private var server = true
  /// `client`: whether to generate what clients need; the default is `true`.
  private var client = true
  /// `accessLevelOnImports`: whether the messages' files say `public import` or `package import`.
  /// The default is `true` unless the visibility is internal. With package visibility it has to be
  /// `false` in a target that says a plain `import SwiftProtobuf` elsewhere and does not enable
  /// InternalImportsByDefault: the compiler refuses the mixture.
  private var accessLevelOnImports: Bool?
  /// `importPaths`: further directories to find imported files in, relative to `tern.json`. For
  /// these files nothing is generated.
  private(set) var importPaths: [URL] = []
  /// `protoPathModuleMappings`: a file that says which module holds the messages of which imported
  /// file, relative to `tern.json`; in the form that protoc-gen-swift reads.
  private var moduleMappings: URL?

  /// - Parameter files: All files of that name in the target: one, or none.
  init(_ files: [URL]) throws {
    guard let file = files.first else { return }
    if files.count > 1 {
      throw PluginError(
        "A target can have one \(Self.fileName), and here are \(files.count): "
          + files.map(\.path).joined(separator: ", ") + ".")
    }
    let json = try? JSONSerialization.jsonObject(with: Data(contentsOf: file))
    guard let fields = json as? [String: Any] else {
      throw PluginError("\(file.path) is not a JSON object, { … }.")
    }
    let directory = file.deletingLastPathComponent()
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      do {
        try read(key, value, relativeTo: directory)
      } catch let problem as PluginError {
        throw PluginError("\(file.path): \(problem)")
      }
    }
  }

  private mutating func read(_ key: String, _ value: Any, relativeTo directory: URL) throws {
    switch key {
    case "visibility":
      let text = try Self.typed(key, value, String.self, "a text")
      guard let known = Visibility(rawValue: text.lowercased()) else {
        throw PluginError("'visibility' cannot be '\(text)'. It can be public, package, internal.")
      }
      visibility = known
    case "server": server = try Self.typed(key, value, Bool.self, "true or false")
    case "client": client = try Self.typed(key, value, Bool.self, "true or false")
    case "accessLevelOnImports":
      accessLevelOnImports = try Self.typed(key, value, Bool.self, "true or false")
    case "importPaths":
      importPaths = try Self.typed(key, value, [String].self, "a list of directories")
        .map { directory.appending(path: $0).standardized }
    case "protoPathModuleMappings":
      moduleMappings = directory.appending(
        path: try Self.typed(key, value, String.self, "the path of a file"))
    default:
      throw PluginError(
        "Unknown key '\(key)'. Known are visibility, server, client, accessLevelOnImports, "
          + "importPaths and protoPathModuleMappings.")
    }
  }

  private static func typed<Value>(
    _ key: String, _ value: Any, _ type: Value.Type, _ name: String
  ) throws -> Value {
    guard let value = value as? Value else { throw PluginError("'\(key)' has to be \(name).") }
    return value
  }

  // MARK: For protoc

  var swiftOptions: [String] {
    let levels = visibility == .internal ? false : accessLevelOnImports ?? true
    return commonOptions + ["UseAccessLevelOnImports=\(levels)"]
  }

  var ternOptions: [String] { commonOptions + ["Server=\(server)", "Client=\(client)"] }

  private var commonOptions: [String] {
    ["Visibility=\(visibility.rawValue.capitalized)"]
      + (moduleMappings.map { ["ProtoPathModuleMappings=\($0.path)"] } ?? [])
  }

  /// What else the generated code depends on.
  var inputFiles: [URL] { moduleMappings.map { [$0] } ?? [] }
}
