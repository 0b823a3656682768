import Logging
import Testing
import TestSupport

import Tern
import TernBytes
import TernCore
import TernTLS

/// What a client is told and what a server logs when TLS fails; and that nobody else notices.
@Suite("TLS trouble", .timeLimit(.minutes(2)))
struct TLSTroubleTests {
  struct Trouble: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var server = "server"
    var clients = ServerTLS.ClientCertificates.none
    var roots = "ca.crt"
    var identity: String?
    var serverName: String?
    var channelIsPlaintext = false
    /// In the client's error.
    let told: [String]
    /// In the server's log.
    let logged: [String]
  }

  static let troubles = [
    Trouble(
      testDescription: "unknown CA", roots: "unknown-ca.crt",
      told: ["CN=Tern test root", "Add that authority to the roots"],
      logged: ["does not know the authority", "OpenSSL: tlsv1 alert unknown ca"]),
    Trouble(
      testDescription: "self-signed", server: "self-signed", told: ["is signed by itself"],
      logged: ["does not know the authority"]),
    Trouble(
      testDescription: "wrong host", server: "wrong-host",
      told: ["is for elsewhere.example", "'127.0.0.1' was expected"],
      logged: ["OpenSSL: sslv3 alert bad certificate"]),
    Trouble(
      testDescription: "wrong usage", server: "wrong-usage", told: ["was not made for a server"],
      logged: ["OpenSSL: "]),
    Trouble(
      testDescription: "no client certificate", clients: .require,
      told: ["requires a certificate", "certificateChain"],
      logged: ["showed no certificate", "peer did not return a certificate"]),
    Trouble(
      testDescription: "unknown client certificate", clients: .require, identity: "unknown-client",
      told: ["does not know the authority that issued this client's certificate"],
      logged: ["CN=A root that nobody trusts"]),
    Trouble(
      testDescription: "plaintext client", channelIsPlaintext: true, told: [],
      logged: ["speaks HTTP/2 without TLS", "OpenSSL: "]),
  ]

  // Spec: W100 (PROTOCOL-HTTP2, Security)
  @Test("The client is told what to do, the server logs why, others go on", arguments: troubles)
  func trouble(_ trouble: Trouble) async throws {
    let log = LogKeeper()
    var options = ServerOptions()
    options.logger = log.logger
    // Another connection, with a call that is open all the time.
    let good = try Secure.channel(
      roots: trouble.server == "self-signed" ? "self-signed.crt" : "ca.crt", identity: "client",
      serverName: trouble.server == "wrong-host" ? "elsewhere.example" : "localhost")
    let isUsable = trouble.server != "wrong-usage"
    try await Route.run(
      [.echo, .echoStream], options: options,
      credentials: Secure.server(trouble.server, clients: trouble.clients), channelCredentials: good
    ) { route in
      if isUsable {
        let answer = try await route.unary([1])
        #expect(answer == [1])
      }
      let bad = try GRPCChannel(
        "127.0.0.1:\(route.port)",
        credentials: trouble.channelIsPlaintext
          ? .insecure
          : Secure.channel(
            roots: trouble.roots, identity: trouble.identity, serverName: trouble.serverName))
      defer { bad.close() }
      let error = await expectError(.unavailable) {
        _ = try await UnaryCallable(bad, Route.unary)([2])
      }
      for words in trouble.told {
        #expect(error?.message.contains(words) == true, "\(error as Any)")
      }
      let line = await log.line(containing: trouble.logged[0])
      for words in trouble.logged { #expect(line?.contains(words) == true, "\(line ?? "")") }
      #expect(line?.contains("peer=127.0.0.1:") == true)
      #expect(line?.hasPrefix("warning") == true)
      if isUsable {
        let answer = try await route.unary([3])
        #expect(answer == [3])
      }
    }
  }

  @Test("A TLS client at a plaintext port is told so, and the server logs why")
  func tlsClientAtPlaintextPort() async throws {
    let log = LogKeeper()
    var options = ServerOptions()
    options.logger = log.logger
    try await Route.run([.echo], options: options) { route in
      let secure = try GRPCChannel("127.0.0.1:\(route.port)", credentials: Secure.channel())
      defer { secure.close() }
      let error = await expectError(.unavailable) {
        _ = try await UnaryCallable(secure, Route.unary)([])
      }
      #expect(error?.message.contains("HTTP/2 without TLS") == true, "\(error as Any)")
      let line = await log.line(containing: "These bytes are TLS")
      #expect(line?.contains("peer=127.0.0.1:") == true)
      let answer = try await route.unary([1])
      #expect(answer == [1])
    }
  }

  // Spec: W100 (a deadline for the handshake)
  @Test("A client that does not finish its handshake is closed after the timeout")
  func stalledClient() async throws {
    let log = LogKeeper()
    var options = ServerOptions()
    options.logger = log.logger
    let clock = ManualClock()
    try await Route.run(
      [.echo], options: options, group: EventLoopGroup(loopCount: 1, clock: clock),
      credentials: Secure.server(), channelCredentials: Secure.channel()
    ) { route in
      let socket = try BlockingSocket.connect(port: route.port)
      try socket.send([22, 3, 1])
      // The first move may come before the server has accepted.
      while case .nothing = try socket.receive(until: .now + .milliseconds(5)) {
        await clock.advance(by: options.handshakeTimeout)
      }
      #expect(await log.line(containing: "did not finish the TLS handshake within") != nil)
      let answer = try await route.unary([1])
      #expect(answer == [1])
    }
  }

  @Test("A server that does not finish its handshake fails the call after the timeout")
  func stalledServer() async throws {
    let listener = try BlockingSocket.listen()
    let clock = ManualClock()
    let options = ChannelOptions()
    let channel = try GRPCChannel(
      "127.0.0.1:\(listener.port)", credentials: Secure.channel(), options: options,
      group: EventLoopGroup(loopCount: 1, clock: clock))
    defer { channel.close() }

    async let failure = expectError(.unavailable) {
      _ = try await UnaryCallable(channel, Route.unary)([])
    }
    let socket = try #require(try listener.accept())
    guard case .bytes = try socket.receive(until: .now + .seconds(30)) else {
      return #expect(Bool(false), "No ClientHello came.")
    }
    await clock.advance(by: options.connectTimeout)
    let error = await failure

    #expect(error?.message.contains("did not finish the TLS handshake") == true, "\(error as Any)")
  }

  @Test("A client that goes away in the middle of its handshake leaves nothing behind")
  func vanishingClient() async throws {
    let log = LogKeeper()
    var options = ServerOptions()
    options.logger = log.logger
    try await Route.run(
      [.echo], options: options, credentials: Secure.server(), channelCredentials: Secure.channel()
    ) { route in
      let socket = try BlockingSocket.connect(port: route.port)
      try socket.send([22, 3, 1, 2, 0, 1])
      socket.stop()
      #expect(await log.line(containing: "without TLS's close_notify") != nil)
      let answer = try await route.unary([1])
      #expect(answer == [1])
    }
  }

  @Test("Garbage after the handshake ends that connection, and the log says whose")
  func garbage() async throws {
    let log = LogKeeper()
    var options = ServerOptions()
    options.logger = log.logger
    try await Route.run(
      [.echo], options: options, credentials: Secure.server(), channelCredentials: Secure.channel()
    ) { route in
      let socket = try BlockingSocket.connect(port: route.port)
      try shakeHands(over: socket)
      try socket.send(Array("this is no record of TLS".utf8))
      let line = await log.line(containing: "no valid record")
      #expect(line?.contains("peer=127.0.0.1:") == true)
      #expect(line?.contains("OpenSSL: ") == true)
      let answer = try await route.unary([1])
      #expect(answer == [1])
    }
  }

  /// A client that does the handshake, and nothing else.
  private func shakeHands(over socket: BlockingSocket) throws {
    let roots = try Certificate.read(
      Certificates.bytes("ca.crt"), from: .file(Certificates.path("ca.crt")))
    let output = ByteBuffer()
    let session = try TLSSession(
      TLSContext.client(
        roots: TLSContext.Roots(includesSystem: false, certificates: roots), identity: nil,
        policy: TLSPolicy(), keyLog: nil),
      expectedHost: "localhost", outbound: output)
    try session.start()
    var plaintext = [UInt8](repeating: 0, count: 128 << 10)
    while true {
      try socket.send(output.bytes)
      output.removeAll()
      if session.isHandshakeDone { return }
      guard case .bytes(let bytes) = try socket.receive(until: .now + .seconds(30)) else {
        throw PeerProcess.Failure(description: "The handshake does not go on.")
      }
      try unsafe plaintext.withUnsafeMutableBytes { place in
        _ = try unsafe bytes.withUnsafeBytes { try unsafe session.receive($0, into: place) }
      }
    }
  }

  @Test("Many clients at once take turns, and all get through")
  func manyHandshakes() async throws {
    var options = ServerOptions()
    options.maxHandshakesPerTurn = 1
    let group = EventLoopGroup(loopCount: 1)
    try await Route.run(
      [.echo], options: options, credentials: Secure.server(),
      channelCredentials: Secure.channel()
    ) { route in
      let credentials = try Secure.channel()
      try await withThrowingTaskGroup(of: [UInt8].self) { tasks in
        for number in 0..<50 {
          tasks.addTask {
            let channel = try GRPCChannel(
              "127.0.0.1:\(route.port)", credentials: credentials, group: group)
            defer { channel.close() }
            return try await UnaryCallable(channel, Route.unary)([UInt8(number)])
          }
        }
        var answers: Set<UInt8> = []
        for try await answer in tasks { answers.formUnion(answer) }
        #expect(answers.count == 50)
      }
    }
  }
}
