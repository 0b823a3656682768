// The server of gRPC's interoperability tests. Runs until SIGTERM or SIGINT. See Docs/Interop.md.

internal import Glibc
internal import InteropCases
internal import InteropFlags
internal import Tern

let flags = Program.flags([
  .number("port", "the port to listen on; 0 picks a free one"),
  .truth("use_tls", "whether to speak TLS"),
  .text(
    "host", "where to listen; 0.0.0.0 and :: are all of the machine's addresses", or: "localhost"),
  .text(
    "cert_file", "the server's certificate and those behind it", or: TestCertificates.serverChain),
  .text("key_file", "its private key", or: TestCertificates.serverKey),
])

var credentials = ServerCredentials.insecure
do throws(Flags.Problem) {
  if flags.number("port") > 65_535 { throw Flags.Problem("--port: there is no such port.") }
  if flags.truth("use_tls") {
    for flag in ["cert_file", "key_file"] {
      try TestCertificates.check(flags.text(flag), of: flag)
    }
    credentials = .tls(
      certificateChain: .file(flags.text("cert_file")), privateKey: .file(flags.text("key_file")))
  }
} catch {
  Program.refuse(error)
}

let server = GRPCServer(services: [TestService()])
do {
  try await server.run(
    on: .tcp(flags.text("host"), flags.number("port")), credentials: credentials
  ) { address in
    Program.say("Listening on \(address)")
  }
} catch {
  Program.complain("\(error)")
  exit(1)
}
