import Testing

import InteropFlags

@Suite("Flags")
struct FlagsTests {
  private static let known: [Flags.Flag] = [
    .number("server_port", "the port"),
    .text("server_host", "the host", or: "localhost"),
    .truth("use_tls", "whether to speak TLS"),
  ]

  @Test(
    "Both forms are read, and the value may hold what stands between names and values",
    arguments: [
      ["--server_port=1", "--server_host=a=b"],
      ["--server_port", "1", "--server_host", "a=b"],
    ])
  func forms(words: [String]) throws {
    let flags = try Flags(Self.known, words: words)
    #expect(flags.number("server_port") == 1)
    #expect(flags.text("server_host") == "a=b")
    #expect(flags.isGiven("server_host"))
  }

  @Test("What is not there is as the list says")
  func standards() throws {
    let flags = try Flags(Self.known, words: ["--server_port=1"])
    #expect(flags.text("server_host") == "localhost")
    #expect(!flags.isGiven("server_host"))
    #expect(!flags.truth("use_tls"))
  }

  @Test(
    "What is true or false may stand alone",
    arguments: [
      (["--use_tls", "--server_port=1"], true), (["--server_port=1", "--use_tls"], true),
      (["--use_tls=true", "--server_port=1"], true),
      (["--use_tls", "true", "--server_port=1"], true),
      (["--use_tls=false", "--server_port=1"], false),
      (["--use_tls", "False", "--server_port=1"], false),
    ])
  func truth(words: [String], isTrue: Bool) throws {
    #expect(try Flags(Self.known, words: words).truth("use_tls") == isTrue)
  }

  @Test(
    "A wrong command line says what is wrong",
    arguments: [
      (["--server_port=1", "--nonsense=2"], "'--nonsense=2' is no flag. There are:"),
      (["--server_port=1", "word"], "'word' is no flag."),
      (["-server_port=1"], "'-server_port=1' is no flag."),
      (["--server_port=x"], "--server_port: 'x' is no number."),
      (["--server_port=-1"], "--server_port: '-1' is no number."),
      (["--server_port=99999999999999999999"], "is no number."),
      (["--server_port"], "--server_port needs a value: the port"),
      (
        ["--use_tls=perhaps", "--server_port=1"], "--use_tls: 'perhaps' is neither true nor false."
      ),
      (["--use_tls"], "--server_port is missing: the port"),
    ])
  func problems(words: [String], text: String) {
    let problem = #expect(throws: Flags.Problem.self) { try Flags(Self.known, words: words) }
    #expect(problem?.description.contains(text) == true, "\(problem as Any)")
    #expect(problem?.isHelp == false)
  }

  @Test("Help lists each flag with its meaning and what it is by itself")
  func help() {
    let problem = #expect(throws: Flags.Problem.self) { try Flags(Self.known, words: ["--help"]) }
    #expect(problem?.isHelp == true)
    #expect(problem?.description.contains("--server_port=N\n      the port (required)") == true)
    #expect(problem?.description.contains("the host (default: localhost)") == true)
  }
}
