import Testing
import TestSupport

import Tern

@Suite("Calls over TLS", .timeLimit(.minutes(2)))
struct SecureCallTests {
  @Test("All four kinds of call work over TLS")
  func allKinds() async throws {
    let methods: [ServerMethod] = [
      .echo, .echoStream,
      .serverStreaming(Route.serverStream) { request, responses, _ in
        for byte in request { try await responses.send([byte]) }
      },
      .clientStreaming(Route.clientStream) { requests, _ in
        var all: [UInt8] = []
        for try await request in requests { all += request }
        return all
      },
    ]
    try await Route.run(
      methods, credentials: Secure.server(), channelCredentials: Secure.channel()
    ) { route in
      #expect(try await route.unary([1, 2]) == [1, 2])
      var streamed: [[UInt8]] = []
      for try await response in route.serverStream([3, 4]) { streamed.append(response) }
      #expect(streamed == [[3], [4]])
      #expect(try await route.clientStream([[5], [6]]) == [5, 6])
      var echoed: [[UInt8]] = []
      for try await response in route.bidi([[7], [8]]) { echoed.append(response) }
      #expect(echoed == [[7], [8]])
    }
  }

  @Test("Messages longer than all buffers come through whole, both ways at once")
  func longMessages() async throws {
    var (options, channelOptions) = (ServerOptions(), ChannelOptions())
    options.maxRequestMessageBytes = 16 << 20
    channelOptions.maxResponseMessageBytes = 16 << 20
    let message = (0..<9 << 20).map { UInt8(truncatingIfNeeded: $0 &* 167 >> 3) }
    try await Route.run(
      [.echo], options: options, channelOptions: channelOptions, credentials: Secure.server(),
      channelCredentials: Secure.channel()
    ) { route in
      async let first = route.unary(message)
      async let second = route.unary(message.reversed())
      let (one, two) = try await (first, second)
      #expect(one == message)
      #expect(two == message.reversed())
    }
  }

  @Test("A handler sees how its connection is secured, and by whom it is called")
  func contextTLS() async throws {
    let who = ServerMethod.unary(Route.unary) { _, context in
      let tls = try #require(context.tls)
      let client = try #require(tls.peerCertificate)
      return Array("\(tls.version) \(tls.applicationProtocol) \(client.spiffeID ?? "")".utf8)
    }
    try await Route.run(
      [who], credentials: Secure.server(clients: .require),
      channelCredentials: Secure.channel(identity: "client")
    ) { route in
      let answer = try await route.unary([])
      #expect(String(decoding: answer, as: UTF8.self) == "v1_3 h2 spiffe://tern.test/client")
    }
  }

  @Test("A plaintext connection has no TLS to show")
  func plaintextContext() async throws {
    let who = ServerMethod.unary(Route.unary) { _, context in [context.tls == nil ? 1 : 0] }
    let answer = try await Route.run([who]) { try await $0.unary([]) }
    #expect(answer == [1])
  }

  // Spec: W4, W100 (authority and SNI: the name that the credentials say)
  @Test("The server's name is the one that the credentials say")
  func serverName() async throws {
    let who = ServerMethod.unary(Route.unary) { _, context in
      Array("\(context.tls?.serverName ?? "") \(context.authority)".utf8)
    }
    try await Route.run(
      [who], credentials: Secure.server(),
      channelCredentials: Secure.channel(serverName: "foo.test.google.fr")
    ) { route in
      let answer = String(decoding: try await route.unary([]), as: UTF8.self)
      #expect(answer == "foo.test.google.fr foo.test.google.fr")
    }
  }

  @Test("Files that cannot be used are an error at the start, with the path")
  func startErrors() async throws {
    let cases: [(ServerCredentials, String)] = [
      (.tls(certificateChain: .file("/no/such.crt"), privateKey: .file("x")), "'/no/such.crt'"),
      (try Secure.server("expired"), "has expired"),
      (try Secure.server("not-yet-valid"), "is not valid yet"),
      (try Secure.server("weak-key"), "2048 bits"),
      (
        .tls(
          certificateChain: .file(try Certificates.path("server-chain.crt")),
          privateKey: .file(try Certificates.path("client.key"))), "does not belong"
      ),
      (.tls(ServerTLS(identities: [])), "no certificate"),
      (
        .tls(
          ServerTLS(identities: [try Secure.identity("server")], clientCertificates: .require)),
        "clientRoots"
      ),
    ]
    for (credentials, words) in cases {
      let server = GRPCServer(services: [ClosureService(serverMethods: [.echo])])
      let error = await #expect(throws: ServerError.self) {
        try await server.start(on: .tcp("127.0.0.1", 0), credentials: credentials)
      }
      #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }
    let error = #expect(throws: RPCError.self) {
      try GRPCChannel("localhost:1", credentials: .tls(roots: .file("/no/such.crt")))
    }
    #expect(error?.message.contains("'/no/such.crt'") == true)
  }
}
