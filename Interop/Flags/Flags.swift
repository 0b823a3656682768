/// The command line of a program of gRPC's interoperability tests: `--name=value` or `--name value`,
/// with underscores in the names. A flag that is true or false may stand alone, for true.
public struct Flags: Sendable {
  public struct Flag: Sendable {
    public enum Kind: Sendable, Hashable { case text, number, truth }

    public let name: String
    public let kind: Kind
    /// What it is without being there; `nil`: it has to be there.
    public let standard: String?
    public let meaning: String

    public static func text(
      _ name: String, _ meaning: String, or standard: String? = nil
    ) -> Flag { Flag(name: name, kind: .text, standard: standard, meaning: meaning) }

    public static func number(
      _ name: String, _ meaning: String, or standard: Int? = nil
    ) -> Flag {
      Flag(name: name, kind: .number, standard: standard.map(String.init), meaning: meaning)
    }

    public static func truth(_ name: String, _ meaning: String) -> Flag {
      Flag(name: name, kind: .truth, standard: "false", meaning: meaning)
    }
  }

  /// The command line is wrong, or asks for help.
  public struct Problem: Error, CustomStringConvertible {
    public let description: String
    public let isHelp: Bool

    public init(_ description: String, isHelp: Bool = false) {
      self.description = description
      self.isHelp = isHelp
    }
  }

  private let known: [Flag]
  private var values: [String: String] = [:]

  /// - Parameter words: the command line without the name of the program.
  /// - Throws: if there is a flag that is not in `known`, or a value that is not of its kind.
  public init(_ known: [Flag], words: some Sequence<String>) throws(Problem) {
    self.known = known
    var rest = Array(words)[...]
    while let word = rest.popFirst() {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if word == "--help" { throw Problem(usage, isHelp: true) }
      guard parts[0].hasPrefix("--"), let flag = flag(String(parts[0].dropFirst(2))) else {
        throw Problem("'\(word)' is no flag. There are:\n\(usage)")
      }
      let value: String
      if parts.count == 2 {
        value = String(parts[1])
      } else if flag.kind == .truth {
        // `--use_tls --port 1` and `--use_tls true --port 1` are both usual.
        let next = rest.first.flatMap(Self.truth)
        if next != nil { rest.removeFirst() }
        value = "\(next ?? true)"
      } else if let next = rest.popFirst() {
        value = next
      } else {
        throw Problem("--\(flag.name) needs a value: \(flag.meaning)")
      }
      try check(value, of: flag)
      values[flag.name] = value
    }
    for flag in known where flag.standard == nil && values[flag.name] == nil {
      throw Problem("--\(flag.name) is missing: \(flag.meaning)\nThere are:\n\(usage)")
    }
  }

  public func text(_ name: String) -> String { values[name] ?? flag(name)?.standard ?? "" }

  /// Not below zero.
  public func number(_ name: String) -> Int { Int(text(name)) ?? 0 }

  public func truth(_ name: String) -> Bool { Self.truth(text(name)) ?? false }

  /// Whether it is on the command line.
  public func isGiven(_ name: String) -> Bool { values[name] != nil }

  private func flag(_ name: String) -> Flag? { known.first { $0.name == name } }

  private func check(_ value: String, of flag: Flag) throws(Problem) {
    switch flag.kind {
    case .text: break
    case .number:
      // Whatever counts, lasts or is a port fits in 32 bits; more would overflow where it is used.
      guard let number = Int32(value), number >= 0 else {
        throw Problem("--\(flag.name): '\(value)' is no number. It is \(flag.meaning)")
      }
    case .truth:
      guard Self.truth(value) != nil else {
        throw Problem("--\(flag.name): '\(value)' is neither true nor false. It is \(flag.meaning)")
      }
    }
  }

  private static func truth(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "1", "yes": true
    case "false", "0", "no": false
    default: nil
    }
  }

  /// A line for each flag.
  private var usage: String {
    known.map { flag in
      let value = flag.kind == .truth ? "" : "=" + (flag.kind == .number ? "N" : "TEXT")
      let standard = flag.standard.map { $0.isEmpty ? "" : " (default: \($0))" } ?? " (required)"
      return "  --\(flag.name)\(value)\n      \(flag.meaning)\(standard)"
    }.joined(separator: "\n")
  }
}
