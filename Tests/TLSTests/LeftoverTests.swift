import TernCore
import TernTLS
import TestSupport
import Testing

@Suite("TLS leaves nothing behind")
struct LeftoverTests {
  // In a process of its own: how much memory this one has depends on the tests beside. Three seconds,
  // as one of the few threads of the tests waits for it; by hand it was ten thousand.
  @Test("Three thousand handshakes, of each kind and each outcome, leave the memory as it was")
  func handshakes() async {
    await #expect(processExitsWith: .success) {
      try Rounds.run(500)
      let before = try residentBytes()
      try Rounds.run(3_000)
      let growth = try residentBytes() - before
      // A session has several kilobytes: one of each that is kept would be ten megabytes and more.
      if growth > 2 << 20 { fatalError("\(growth) bytes more, because something was kept") }
    }
  }
}

/// Handshakes that succeed, resume, and fail, in turns.
private enum Rounds {
  private struct NotResumed: Error {}

  static func run(_ count: Int) throws {
    let client = try Contexts.client(identity: "client")
    let distrustful = try Contexts.client(roots: "unknown-ca")
    let server = try Contexts.server(
      "server", "second", clientRoots: "ca", mustHaveClientCertificate: true)
    var ticket: TLSTicket?
    for round in 0..<count {
      switch round % 8 {
      case 0:
        // Refused by the client, for one of two reasons.
        try SessionPair(round % 16 == 0 ? distrustful : client, server, host: "nowhere")
          .shakeHands()
      case 1:
        // Left in the middle.
        let pair = try SessionPair(client, server)
        try pair.client.start()
        pair.feed(pair.takeOutput(ofServer: false), toServer: true)
      default:
        let pair = try SessionPair(client, server, host: "second.example", ticket: ticket)
        pair.shakeHands()
        if ticket != nil, !pair.server.negotiated().isResumed { throw NotResumed() }
        // Every other full one is left without an end, after which OpenSSL resumes it no more.
        ticket = round % 8 == 7 ? nil : pair.tickets.last
        if ticket != nil { pair.client.close() }
      }
    }
  }
}
