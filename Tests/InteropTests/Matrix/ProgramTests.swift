import Foundation
import Testing

import InteropCases
import TestSupport

/// Tern's programs of the interoperability tests, as one would start them.
@Suite("Interop programs", .timeLimit(.minutes(2)))
struct ProgramTests {
  private static let someCases = ["large_unary", "ping_pong", "custom_metadata"]

  /// Where this build has put its programs: beside the tests.
  private static func program(_ name: String) throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(filePath: tests).deletingLastPathComponent().appending(path: name).path
  }

  private func run(_ arguments: [String]) async throws -> (code: Int32, text: String) {
    try await PeerProcess.run(Self.program("tern-interop-client"), arguments)
  }

  private func server(
    _ arguments: [String], program: String = "tern-interop-server"
  ) async throws -> (process: PeerProcess, port: String) {
    let process = try PeerProcess(Self.program(program), ["--port=0"] + arguments)
    let port = try await process.line(after: "Listening on 127.0.0.1:")
    return (process, port)
  }

  @Test("The client passes all core cases on the server, in plaintext; the server then stops clean")
  func plaintext() async throws {
    let (server, port) = try await server(["--host=127.0.0.1", "--use_tls=false"])
    let names = TestCase.all(.core).map(\.rawValue)

    let (code, text) = try await run([
      "--server_host=127.0.0.1", "--server_port=\(port)", "--use_tls=false",
      "--test_case=\(names.joined(separator: ","))", "--service_config_json=",
      "--additional_metadata=extra:a:b;more:c",
    ])

    #expect(code == 0, "\(text)")
    #expect(text.split(separator: "\n").map(String.init) == names.map { "\($0): passed" })
    server.terminate()
    #expect(await server.end().code == 0)
  }

  @Test("The same over TLS, with flags and values apart")
  func tls() async throws {
    let (server, port) = try await server(["--host", "127.0.0.1", "--use_tls", "true"])
    let secure = ["--server_host", "127.0.0.1", "--server_port", port, "--use_tls", "true"]
    let named = ["--server_host_override", ForeignPeer.serverName, "--test_case", "large_unary"]

    let trusting = try await run(secure + ["--use_test_ca", "true"] + named)
    #expect(trusting.code == 0, "\(trusting.text)\(server.text)")
    let byType = try await run(
      ["--server_host=127.0.0.1", "--server_port=\(port)", "--custom_credentials_type=tls"]
        + ["--use_test_ca"] + named)
    #expect(byType.code == 0, "\(byType.text)")

    let distrusting = try await run(secure + named)
    #expect(distrusting.code == 1)
    #expect(distrusting.text.contains("large_unary: UnaryCall: expected OK, saw UNAVAILABLE"))
    let misnamed = try await run(
      secure + ["--use_test_ca=true", "--server_host_override=elsewhere.example"] + named.suffix(2))
    #expect(misnamed.code == 1)
  }

  @Test("Foreign clients pass on the server, and the client on foreign servers")
  func foreign() async throws {
    let (process, port) = try await server(["--host=127.0.0.1"])
    for peer in [ForeignPeer.cpp, .grpcio] {
      let outcome = try await peer.runCases(Self.someCases, port: Int(port) ?? 0, .plaintext)
      for name in Self.someCases { try outcome.expectPassed(name) }

      let foreign = try await peer.server(.plaintext)
      let (code, text) = try await run([
        "--server_host=127.0.0.1", "--server_port=\(foreign.port)",
        "--test_case=\(Self.someCases.joined(separator: ","))",
      ])
      #expect(code == 0, "\(text)\(foreign.process.text)")
    }
    withExtendedLifetime(process) {}
  }

  @Test("A soak test keeps to its flags, tells of each iteration and sums up")
  func soak() async throws {
    let (server, port) = try await server(["--host=127.0.0.1"])
    let common = ["--server_host=127.0.0.1", "--server_port=\(port)", "--soak_iterations=4"]
    let sizes = ["--soak_request_size=100", "--soak_response_size=200", "--soak_num_threads=2"]

    for name in ["rpc_soak", "channel_soak"] {
      let (code, text) = try await run(
        common + sizes + [
          "--test_case=\(name)", "--soak_per_iteration_max_acceptable_latency_ms=30000",
          "--soak_min_time_ms_between_rpcs=1", "--soak_overall_timeout_seconds=60",
        ])
      #expect(code == 0, "\(text)\(server.text)")
      let lines = text.split(separator: "\n")
      let uri = "server_uri: 127.0.0.1:\(port)"
      for number in 0..<4 {
        let begin = "soak iteration: \(number) elapsed_ms: "
        #expect(lines.contains { $0.hasPrefix(begin) && $0.hasSuffix("\(uri) succeeded") })
      }
      #expect(
        text.contains("(\(uri)) soak test ran: 4 / 4 iterations. total_failures: 0 is within"))
    }
    // Nothing is done in no time.
    let late = try await run(
      common + sizes + [
        "--test_case=rpc_soak", "--soak_per_iteration_max_acceptable_latency_ms=0",
        "--soak_overall_timeout_seconds=60",
      ])
    #expect(late.code == 1)
    #expect(late.text.contains("exceeds max acceptable latency: 0"))
    #expect(late.text.contains("total_failures: 4 exceeds max_failures_threshold: 0"))
    let patient = try await run(
      common + sizes + [
        "--test_case=rpc_soak", "--soak_per_iteration_max_acceptable_latency_ms=0",
        "--soak_overall_timeout_seconds=60", "--soak_max_failures=4",
      ])
    #expect(patient.code == 0, "\(patient.text)")
  }

  @Test("The hostile server serves its case, and tells of a client that is wrong by its exit code")
  func hostile() async throws {
    let (good, port) = try await server(
      ["--test_case=rst_after_header"], program: "tern-interop-hostile-server")
    let (code, text) = try await run([
      "--server_host=127.0.0.1", "--server_port=\(port)", "--test_case=rst_after_header",
    ])
    #expect(code == 0, "\(text)")
    good.terminate()
    #expect(await good.end().code == 0)

    let (bad, badPort) = try await server(
      ["--test_case=max_streams"], program: "tern-interop-hostile-server")
    _ = try await play(
      to: Int(badPort) ?? 0,
      [.preface, .headers(.request("/a/b"), endStream: true), .otherClose])
    bad.terminate()
    let (badCode, badText) = await bad.end()
    #expect(badCode == 1)
    #expect(badText.contains("The call on 1 has no request."))
  }

  @Test(
    "A wrong command line ends with 2 and says what there is",
    arguments: [
      (
        ["--server_port=1", "--test_case=no_such_case"],
        "there is no 'no_such_case', but: empty_unary"
      ),
      (["--server_port=1", "--test_case="], "--test_case names no case."),
      (
        ["--server_port=1", "--test_case=ping", "--nonsense"], "'--nonsense' is no flag. There are:"
      ),
      (["--test_case=ping"], "--server_port is missing"),
      (
        ["--server_port=1", "--test_case=ping", "--service_config_json={}"], "no service config yet"
      ),
      (
        ["--server_port=1", "--test_case=ping", "--additional_metadata=x"], "'x' is not NAME:VALUE"
      ),
      (["--server_port=1", "--test_case=ping", "--additional_metadata=grpc-x:y"], "grpc-x"),
      (
        ["--server_port=1", "--test_case=ping", "--custom_credentials_type=alts"],
        "there is no 'alts'"
      ),
      (
        ["--server_port=1", "--test_case=ping", "--use_tls", "--ca_file=/nowhere"],
        "'/nowhere' cannot be read"
      ),
    ])
  func wrongCommandLine(arguments: [String], words: String) async throws {
    let (code, text) = try await run(arguments)
    #expect(code == 2)
    #expect(text.contains(words), "\(text)")
  }
}
