import Foundation

/// The directory that paths in `import` statements begin at.
enum ImportRoot {
  /// Nothing has to say which one it is: it is the one that finds the most of the files that are
  /// imported; among equals the deepest, so that `Protos/` needs to be no part of the paths.
  static func find(for protoFiles: [URL], inside target: URL) -> URL {
    let imported = protoFiles.flatMap { imports(of: $0) }
    func found(from root: URL) -> Int {
      imported.count { FileManager.default.fileExists(atPath: root.appending(path: $0).path) }
    }
    // Deepest first, and `max` would take the last of equals.
    var best = commonDirectory(of: protoFiles)
    var bestCount = found(from: best)
    var candidate = best
    while candidate.path.count > target.path.count {
      candidate = candidate.deletingLastPathComponent()
      let count = found(from: candidate)
      if count > bestCount { (best, bestCount) = (candidate, count) }
    }
    return best
  }

  static func relativePath(of file: URL, to root: URL) -> String {
    file.standardized.pathComponents.dropFirst(root.standardized.pathComponents.count)
      .joined(separator: "/")
  }

  private static func imports(of file: URL) -> [String] {
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
    let statement = /^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"/.anchorsMatchLineEndings()
    return text.matches(of: statement).map { String($0.output.1) }
  }

  private static func commonDirectory(of files: [URL]) -> URL {
    let directories = files.map { $0.deletingLastPathComponent().standardized.pathComponents }
    let common = directories.dropFirst().reduce(directories[0]) { common, directory in
      zip(common, directory).prefix { $0 == $1 }.map(\.0)
    }
    return URL(filePath: "/" + common.dropFirst().joined(separator: "/"))
  }
}
