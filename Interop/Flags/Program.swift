internal import Glibc

/// What the programs of the interoperability tests do alike.
public enum Program {
  /// Prints a line and sees that it leaves at once, even into a pipe: somebody waits for it.
  public static func say(_ line: String) {
    print(line)
    fflush(nil)
  }

  /// Reads the command line; a wrong one ends the program with code 2, and `--help` with 0.
  public static func flags(_ known: [Flags.Flag]) -> Flags {
    do throws(Flags.Problem) {
      return try Flags(known, words: CommandLine.arguments.dropFirst())
    } catch {
      refuse(error)
    }
  }

  /// Ends the program because of what is on its command line.
  public static func refuse(_ problem: Flags.Problem) -> Never {
    if problem.isHelp {
      print(problem)
      exit(0)
    }
    complain("\(problem)")
    exit(2)
  }

  /// Writes to standard error.
  public static func complain(_ text: String) {
    fflush(nil)
    let line = Array((text + "\n").utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
  }
}
