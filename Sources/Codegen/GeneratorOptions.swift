internal import SwiftProtobufPluginLibrary

/// What `--tern_opt=` may say. Names and values are those of protoc-gen-swift where it has them.
struct GeneratorOptions {
  enum Visibility: String, CaseIterable {
    case `public` = "Public"
    case package = "Package"
    case `internal` = "Internal"

    /// What stands before a declaration.
    var modifier: String {
      switch self {
      case .public: "public "
      case .package: "package "
      case .internal: ""
      }
    }
  }

  enum FileNaming: String, CaseIterable {
    /// `a/b.proto` becomes `a/b.tern.swift`.
    case fullPath = "FullPath"
    /// `a/b.proto` becomes `a_b.tern.swift`.
    case pathToUnderscores = "PathToUnderscores"
    /// `a/b.proto` becomes `b.tern.swift`.
    case dropPath = "DropPath"

    func outputName(of protoFile: String) -> String {
      let suffix = ".proto"
      let base = protoFile.hasSuffix(suffix) ? protoFile.dropLast(suffix.count) : protoFile[...]
      let path = base.split(separator: "/", omittingEmptySubsequences: false)
      let name =
        switch self {
        case .fullPath: String(base)
        case .pathToUnderscores: path.joined(separator: "_")
        case .dropPath: path.last.map { String($0) } ?? ""
        }
      return name + ".tern.swift"
    }
  }

  var visibility = Visibility.internal
  var generatesServer = true
  var generatesClient = true
  var fileNaming = FileNaming.fullPath
  var moduleMappings = ProtoFileToModuleMappings()

  init(_ pairs: [(key: String, value: String)] = []) throws {
    for (key, value) in pairs {
      switch key {
      case "Visibility": visibility = try Self.choice(key, value)
      case "Server": generatesServer = try Self.bool(key, value)
      case "Client": generatesClient = try Self.bool(key, value)
      case "FileNaming": fileNaming = try Self.choice(key, value)
      case "ProtoPathModuleMappings": moduleMappings = try Self.mappings(key, value)
      default: throw GeneratorError("Unknown option '\(key)'. \(Self.help)")
      }
    }
  }

  private static let help = """
    Known are Visibility=Public|Package|Internal, Server=true|false, Client=true|false, \
    FileNaming=FullPath|PathToUnderscores|DropPath and ProtoPathModuleMappings=FILE.
    """

  private static func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ key: String, _ value: String
  ) throws -> Choice {
    // Case does not matter to protoc-gen-swift either.
    if let choice = Choice.allCases.first(where: { $0.rawValue.lowercased() == value.lowercased() })
    {
      return choice
    }
    let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    throw GeneratorError("The option '\(key)' cannot be '\(value)'. It can be \(known).")
  }

  private static func bool(_ key: String, _ value: String) throws -> Bool {
    switch value.lowercased() {
    case "true": true
    case "false": false
    default:
      throw GeneratorError("The option '\(key)' cannot be '\(value)'. It can be true, false.")
    }
  }

  private static func mappings(_ key: String, _ path: String) throws -> ProtoFileToModuleMappings {
    do {
      return try ProtoFileToModuleMappings(path: path)
    } catch {
      throw GeneratorError(
        "The file '\(path)' of the option '\(key)' cannot be used: \(error). It holds a message "
          + "SwiftProtobuf.GenSwift.ModuleMappings in text form; see the documentation of "
          + "protoc-gen-swift.")
    }
  }
}
