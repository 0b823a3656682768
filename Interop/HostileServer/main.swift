// The server of the negative HTTP/2 cases of gRPC's interoperability tests. Runs until SIGTERM or
// SIGINT, and ends with 1 if a client did something wrong. See Docs/Interop.md.

internal import Glibc
internal import InteropFlags
internal import InteropHostile

/// So long a client may be silent, between two calls as well.
let waitLimit = Duration.seconds(600)

let known = HostileCase.allCases.map(\.rawValue).joined(separator: ", ")
let flags = Program.flags([
  .number("port", "the port to listen on, of 127.0.0.1; 0 picks a free one"),
  .text("test_case", "what to do: \(known)"),
])

// From here on they are not delivered but taken, below; threads that are made later inherit that.
var signals = sigset_t()
unsafe sigemptyset(&signals)
unsafe sigaddset(&signals, SIGTERM)
unsafe sigaddset(&signals, SIGINT)
unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)

guard let testCase = HostileCase(rawValue: flags.text("test_case")) else {
  Program.refuse(
    Flags.Problem("--test_case: there is no '\(flags.text("test_case"))', but: \(known)"))
}
let complaints = Complaints()
do {
  let server = try HostileServer(
    testCase, port: flags.number("port"), waitLimit: waitLimit, onComplaint: complaints.add)
  Program.say("Listening on 127.0.0.1:\(server.port)")
  var signal: CInt = 0
  unsafe sigwait(&signals, &signal)
  withExtendedLifetime(server) {}
} catch {
  Program.complain("\(error)")
  exit(1)
}
exit(complaints.isEmpty ? 0 : 1)
