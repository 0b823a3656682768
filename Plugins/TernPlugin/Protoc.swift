import Foundation

/// The compiler for `.proto` files. It is the system's: building the one that SwiftProtobuf carries
/// along takes minutes.
struct Protoc {
  let executable: URL

  /// Takes the one that the environment's `PROTOC_PATH` names, or else the first one on `PATH`.
  static func find() throws -> Protoc {
    let environment = ProcessInfo.processInfo.environment
    let named = environment["PROTOC_PATH"].flatMap { $0.isEmpty ? nil : $0 }
    let name = named ?? "protoc"
    let candidates =
      name.contains("/")
      ? [URL(filePath: name)]
      : (environment["PATH"] ?? "").split(separator: ":")
        .map { URL(filePath: String($0)).appending(path: name) }
    if let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }
    ) {
      return Protoc(executable: found)
    }
    if let named {
      throw PluginError("PROTOC_PATH is '\(named)', and that is no program that can be run.")
    }
    throw PluginError(
      """
      TernPlugin cannot find protoc, the compiler for .proto files. On Debian and Ubuntu install \
      the package protobuf-compiler (apt-get install protobuf-compiler), or set the environment \
      variable PROTOC_PATH to the path of a protoc.
      """)
  }

  /// Editions came with version 27. An older protoc says only that it does not know the syntax, so
  /// the way out is said here.
  func check(canRead file: URL) throws {
    guard let text = try? String(contentsOf: file, encoding: .utf8),
      text.contains(/^\s*edition\s*=/.anchorsMatchLineEndings()),
      let version, let major = version.prefixMatch(of: /\d+/).flatMap({ Int($0.output) }),
      major < 27
    else { return }
    throw PluginError(
      """
      \(file.path) asks for an edition of Protobuf, which protoc \(version) in \
      \(executable.path) does not know. Set the environment variable PROTOC_PATH to a protoc of \
      version 27 or later, or use syntax = "proto3".
      """)
  }

  /// E.g. `3.21.12`; `nil` if it does not say.
  private var version: String? {
    let process = Process()
    let output = Pipe()
    process.executableURL = executable
    process.arguments = ["--version"]
    process.standardOutput = output
    guard (try? process.run()) != nil else { return nil }
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: bytes, as: UTF8.self)
      .split(whereSeparator: \.isWhitespace).last.map { String($0) }
  }
}
