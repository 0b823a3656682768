internal import Glibc
internal import Tern

/// Options of the form `--name VALUE` or `--name`. Whatever else is there ends the program with a
/// list of those that it has.
struct CommandOptions {
  struct Option {
    let name: String
    /// What its value is; `nil` if it has none.
    let value: String?
    let meaning: String

    init(_ name: String, _ value: String?, _ meaning: String) {
      self.name = name
      self.value = value
      self.meaning = meaning
    }
  }

  private var values: [String: String] = [:]

  init(_ options: [Option]) {
    var words = CommandLine.arguments.dropFirst()
    while let word = words.popFirst() {
      guard let option = options.first(where: { $0.name == word }) else {
        let usage = Self.usage(options)
        if word == "--help" { Self.finish(usage, code: 0) }
        Self.finish("'\(word)' is no option.\n\(usage)")
      }
      guard let meaning = option.value else {
        values[word] = ""
        continue
      }
      guard let value = words.popFirst() else { Self.finish("\(word) needs a value: \(meaning)") }
      values[word] = value
    }
  }

  func value(of name: String) -> String? { values[name] }
  func has(_ name: String) -> Bool { values[name] != nil }

  /// `--cert` and `--key`, of which one without the other makes no sense.
  var identity: TLSIdentity? {
    switch (value(of: "--cert"), value(of: "--key")) {
    case (nil, nil): return nil
    case (let certificate?, let key?):
      return TLSIdentity(certificateChain: .file(certificate), privateKey: .file(key))
    default: Self.finish("--cert and --key go together.")
    }
  }

  private static func usage(_ options: [Option]) -> String {
    let lines = options.map { option in
      "  \(option.name)\(option.value.map { " \($0)" } ?? ""): \(option.meaning)"
    }
    return "usage: \(CommandLine.arguments[0]) [options]\n\(lines.joined(separator: "\n"))"
  }

  static func finish(_ text: String, code: Int32 = 2) -> Never {
    print(text)
    fflush(nil)
    exit(code)
  }
}
