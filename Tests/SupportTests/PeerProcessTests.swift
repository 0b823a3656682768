import Testing

import TestSupport

@Suite("Foreign programs", .timeLimit(.minutes(1)))
struct PeerProcessTests {
  @Test("What is written to a program comes back line by line, until its input ends")
  func conversation() async throws {
    let process = try PeerProcess("cat", [])

    try process.send("first 1\nsecond 2\nno line yet")
    let second = try await process.line(after: "second ")
    process.finishInput()
    let (code, text) = await process.end()

    #expect(second == "2")
    #expect(code == 0)
    #expect(text == "first 1\nsecond 2\nno line yet")
  }

  @Test("Its exit code, its environment and what it writes to stderr are seen")
  func outcome() async throws {
    let (code, text) = try await PeerProcess.run(
      "sh", ["-c", "echo \"$GREETING\" >&2; exit 3"], environment: ["GREETING": "hello"])

    #expect(code == 3)
    #expect(text == "hello\n")
  }

  @Test("A line that never comes is an error that tells what came")
  func noSuchLine() async throws {
    let process = try PeerProcess("sh", ["-c", "echo something else"])

    let error = await #expect(throws: PeerProcess.Failure.self) {
      try await process.line(after: "Listening on ")
    }

    #expect(error?.description.contains("something else") == true)
  }

  @Test("A program can be ended")
  func termination() async throws {
    let process = try PeerProcess("sh", ["-c", "echo ready; exec cat"])
    _ = try await process.line(after: "ready")

    process.terminate()

    #expect(await process.end().code == 128 + 15)
  }

  @Test("Writing to a program that has gone is an error, and so is one that is not there")
  func gone() async throws {
    let process = try PeerProcess("true", [])
    _ = await process.end()
    #expect(throws: BlockingSocket.Failure.self) { try process.send("anybody there?") }

    let error = #expect(throws: PeerProcess.Failure.self) {
      try PeerProcess("no-such-program", [])
    }
    #expect(error?.description.contains("no-such-program") == true)
  }
}
