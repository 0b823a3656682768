import Foundation
import TestSupport
import Testing

/// The programs of Examples that say something by themselves, and what they have to say.
@Suite("Examples", .timeLimit(.minutes(2)))
struct LessonTests {
  /// Where this build has put its programs: beside the tests.
  private func program(_ name: String) throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(filePath: tests).deletingLastPathComponent().appending(path: name).path
  }

  private func certificates() throws -> String {
    URL(filePath: try Certificates.path("ca.crt")).deletingLastPathComponent().path
  }

  private func run(_ name: String, _ arguments: [String] = []) async throws -> String {
    let (code, text) = try await PeerProcess.run(program(name), arguments)
    #expect(code == 0, "\(text)")
    return text
  }

  @Test("TLS: who knows the authority is answered, who does not is told what to do")
  func tls() async throws {
    let text = try await run("tls-example", [certificates()])
    #expect(text.contains("Over TLS: Hello, world!"))
    #expect(text.contains("Without our authority: UNAVAILABLE: "))
    #expect(text.contains("Add that authority to the roots"))
  }

  @Test("Mutual TLS: the handler greets whom the certificate names")
  func mutualTLS() async throws {
    let text = try await run("mutual-tls-example", [certificates()])
    #expect(text.contains("With a certificate: Hello, spiffe://tern.test/client!"))
    #expect(text.contains("Without: UNAVAILABLE: "))
  }

  @Test("Call credentials: with a token, without, and in plaintext")
  func callCredentials() async throws {
    let text = try await run("call-credentials-example", [certificates()])
    #expect(text.contains("A token for /greet.Greeter/SayHello is wanted."))
    #expect(text.contains("With a token: Hello, world!"))
    #expect(text.contains("Without: UNAUTHENTICATED: The token is missing or wrong."))
    #expect(text.contains("In plaintext: UNAUTHENTICATED: "))
  }

  @Test("Compression: nothing is lost on the way")
  func compression() async throws {
    let text = try await run("compression-example")
    #expect(text.contains("Compressed both ways: 19008 bytes"))
    #expect(text.contains("Echoed: 19000 bytes"))
    #expect(text.contains("Echoed: 10 bytes"))
  }

  @Test("Rich errors: details of the usual types and of an own one are read")
  func richErrors() async throws {
    let text = try await run("rich-errors-example")
    #expect(text.contains("Refused: INVALID_ARGUMENT: Whom am I to greet?"))
    #expect(text.contains("The field 'name' must not be empty."))
    #expect(text.contains("This would do: 'world'."))
    #expect(text.contains("Refused: UNAVAILABLE: Busy."))
    #expect(text.contains("The reason for programs: greet.example/TOO_MANY_GREETINGS"))
    #expect(text.contains("Try again in 30.0 seconds."))
  }

  @Test("Deadlines: of a call, of a method, and of what a handler calls")
  func deadlines() async throws {
    let text = try await run("deadlines-example")
    #expect(text.contains("Hello, Ada! In a hurry: true."))
    #expect(text.contains("Hello, Alan! In a hurry: false."))
    #expect(text.contains("Konrad: DEADLINE_EXCEEDED: "))
    #expect(text.contains("Nobody thinks about anything any more."))
  }

  @Test("Cancellation: leaving a loop, cancelling a task, and what the handler hears")
  func cancellation() async throws {
    let text = try await run("cancellation-example")
    #expect(text.contains("All of five numbers: 10"))
    #expect(text.contains("Three is enough."))
    #expect(text.contains("The client: CANCELLED: "))
    let reports = text.split(separator: "\n").filter {
      $0 == "The server stops counting: the client gave the call up."
    }
    #expect(reports.count == 2)
  }

  @Test("Metadata: ahead of the response, with the status, with an error, and refused")
  func metadata() async throws {
    let text = try await run("metadata-example")
    #expect(text.contains("Ada greets Alan."))
    #expect(text.contains("Ahead: [language: de]"))
    #expect(text.contains("Greetings: 1"))
    #expect(text.contains("Refused: INVALID_ARGUMENT: Whom?"))
    #expect(
      text.contains("Ahead of it: [language: de], with it: [missing: name, greetings: 0]"))
    #expect(text.contains("Not sent: INTERNAL: The metadata name 'grpc-timeout' is reserved"))
  }

  @Test("Interceptors: tokens and names are looked at, a busy server is asked again, all is logged")
  func interceptors() async throws {
    let text = try await run("interceptors-example")
    #expect(text.contains("Once more, since: UNAVAILABLE: Busy."))
    #expect(text.contains("Hello, world, says ada!"))
    #expect(text.contains("Refused: INVALID_ARGUMENT: The name has 27 characters; 20 are allowed."))
    #expect(text.contains("Refused: UNAUTHENTICATED: The token is not known, or no longer valid."))
    #expect(text.components(separatedBy: "Call served.").count == 7)
    #expect(text.contains("status=UNAVAILABLE"))
  }

  @Test("A server and a client of the four kinds talk over mutual TLS and gzip")
  func mutualPair() async throws {
    let folder = try certificates()
    let server = try PeerProcess(
      program("examples-server"),
      [
        "--port", "0", "--cert", "\(folder)/server-chain.crt", "--key", "\(folder)/server.key",
        "--client-ca", "\(folder)/ca.crt", "--gzip",
      ])
    let target = try await server.line(after: "Listening on ")
    let secure = ["--target", target, "--ca", "\(folder)/ca.crt", "--gzip"]
    let identity = ["--cert", "\(folder)/client-chain.crt", "--key", "\(folder)/client.key"]

    #expect(try await run("greeter-client", secure + identity).contains("Hello, world!"))
    #expect(try await run("number-client", secure + identity).contains("Received number: 9"))
    #expect(try await run("sum-client", secure + identity).contains("Sum: 15"))
    #expect(try await run("chat-client", secure + identity).contains("You said: Goodbye"))
    let (code, text) = try await PeerProcess.run(program("greeter-client"), secure)
    #expect(code != 0)
    #expect(text.contains("requires a certificate"))
    server.terminate()
    #expect(await server.end().code == 0)
  }

  @Test("An option that there is none of is named, with those that there are")
  func wrongOption() async throws {
    let (code, text) = try await PeerProcess.run(program("greeter-client"), ["--nonsense"])
    #expect(code == 2)
    #expect(text.contains("'--nonsense' is no option."))
    #expect(text.contains("--ca FILE"))
  }
}
