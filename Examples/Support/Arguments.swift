internal import Glibc

/// The command line of an example: at most one option, which has a default.
public enum Arguments {
  /// The value of `--port N`. 0 lets the system choose.
  public static func port(default port: UInt16) -> Int {
    let text = value(of: "--port", meaning: "N (0 picks a free one)", default: "\(port)")
    guard let port = UInt16(text) else { finish("'\(text)' is no port.", code: 2) }
    return Int(port)
  }

  /// The value of `--target HOST:PORT`, or of whatever else a channel takes.
  public static func target(default target: String) -> String {
    value(of: "--target", meaning: "HOST:PORT", default: target)
  }

  private static func value(of option: String, meaning: String, default: String) -> String {
    let arguments = CommandLine.arguments
    switch (arguments.count, arguments.dropFirst().first) {
    case (1, _): return `default`
    case (3, option): return arguments[2]
    case (_, let first):
      let usage = "usage: \(arguments[0]) [\(option) \(meaning)], default \(`default`)"
      finish(usage, code: first == "--help" ? 0 : 2)
    }
  }

  private static func finish(_ text: String, code: Int32) -> Never {
    announce(text)
    exit(code)
  }
}

/// Prints a line and sees that it leaves at once, even into a pipe: somebody waits for it.
public func announce(_ line: String) {
  print(line)
  fflush(nil)
}
