import Foundation
import Synchronization
import Testing
import TestSupport

import Tern
import TernEventLoop

@Suite("Reloading credentials", .timeLimit(.minutes(3)))
struct ReloadTests {
  /// A folder with `tls.crt` and `tls.key`, which are replaced as programs that renew certificates
  /// do it.
  final class Renewal: Sendable {
    let folder: String
    private let generation = Atomic<Int>(0)
    var certificate: String { "\(folder)/tls.crt" }
    var key: String { "\(folder)/tls.key" }

    init(_ name: String) throws {
      folder = NSTemporaryDirectory() + "tern-reload-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try swapLink(to: name)
      for file in ["tls.crt", "tls.key"] {
        try FileManager.default.createSymbolicLink(
          atPath: "\(folder)/\(file)", withDestinationPath: "..data/\(file)")
      }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// As Kubernetes shows a renewed secret: a new folder, and a link that moves to it at once.
    func swapLink(to name: String) throws {
      let number = generation.wrappingAdd(1, ordering: .relaxed).newValue
      let place = "\(folder)/..\(number)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      try Certificates.text("\(name)-chain.crt").write(
        toFile: "\(place)/tls.crt", atomically: false, encoding: .utf8)
      try Certificates.text("\(name).key").write(
        toFile: "\(place)/tls.key", atomically: false, encoding: .utf8)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/..new", withDestinationPath: "..\(number)")
      guard unsafe rename("\(folder)/..new", "\(folder)/..data") == 0 else {
        throw PeerProcess.Failure(description: "rename: errno \(errno)")
      }
    }

    /// As certbot and others do: each file is renamed over the old one, one after the other.
    func replace(_ file: String, with text: String) throws {
      try text.write(toFile: "\(folder)/\(file)", atomically: true, encoding: .utf8)
    }

    func credentials(interval: Duration?) -> ServerCredentials {
      var policy = TLSPolicy()
      policy.reloadInterval = interval
      return .tls(
        certificateChain: .file(certificate), privateKey: .file(key), policy: policy)
    }
  }

  /// Channel credentials that note which certificate the server has shown.
  private func watching(_ seen: Shown) throws -> ChannelCredentials {
    var policy = TLSPolicy()
    policy.verifyPeer = { certificates in
      seen.note(certificates.own)
      return .accept
    }
    return try Secure.channel(policy: policy)
  }

  final class Shown: Sendable {
    private let certificate = Guarded<PeerCertificate?>(nil)
    func note(_ shown: PeerCertificate) { certificate.withLock { $0 = shown } }
    var fingerprint: String { certificate.withLock { $0?.fingerprint ?? "" } }
  }

  /// One call on a connection of its own.
  private func call(_ port: Int, _ credentials: ChannelCredentials) async throws {
    let channel = try GRPCChannel("127.0.0.1:\(port)", credentials: credentials)
    defer { channel.close() }
    let answer = try await UnaryCallable(channel, Route.unary)([1])
    #expect(answer == [1])
  }

  @Test("On demand, new connections get the renewed certificate, and old ones go on")
  func onDemand() async throws {
    let renewal = try Renewal("server")
    let seen = Shown()
    let credentials = try watching(seen)
    try await Route.run(
      [.echo], credentials: renewal.credentials(interval: nil),
      channelCredentials: Secure.channel()
    ) { route in
      let before = try await route.unary([1])
      try await call(route.port, credentials)
      let first = seen.fingerprint
      try renewal.swapLink(to: "server-rsa")
      try route.server.reloadCredentials()
      try await call(route.port, credentials)
      let after = try await route.unary([1])

      #expect(before == after)
      #expect(first != "" && seen.fingerprint != first)
    }
  }

  @Test("Without being asked, within some seconds, also when files are replaced one by one")
  func byItself() async throws {
    let renewal = try Renewal("server")
    let log = LogKeeper()
    var options = ServerOptions()
    options.logger = log.logger
    let seen = Shown()
    let credentials = try watching(seen)
    try await Route.run(
      [.echo], options: options, credentials: renewal.credentials(interval: .milliseconds(20)),
      channelCredentials: Secure.channel()
    ) { route in
      try await call(route.port, credentials)
      let first = seen.fingerprint
      // The key is missing meanwhile: what is there is no pair, and is not used.
      try renewal.replace("tls.crt", with: Certificates.text("server-rsa-chain.crt"))
      let complaint = await log.line(
        containing: "cannot be used; new connections use those of before")
      try await call(route.port, credentials)
      #expect(seen.fingerprint == first)
      #expect(complaint?.hasPrefix("error") == true)
      #expect(complaint?.contains("does not belong") == true)

      try renewal.replace("tls.key", with: Certificates.text("server-rsa.key"))
      #expect(await log.line(containing: "use the renewed certificates") != nil)
      try await call(route.port, credentials)
      #expect(seen.fingerprint != first)
    }
  }

  @Test("Files that cannot be used are an error on demand, and change nothing")
  func brokenFiles() async throws {
    let renewal = try Renewal("server")
    try await Route.run(
      [.echo], credentials: renewal.credentials(interval: nil),
      channelCredentials: Secure.channel()
    ) { route in
      try renewal.replace("tls.crt", with: "no certificate")
      let error = #expect(throws: ServerError.self) { try route.server.reloadCredentials() }
      #expect(error?.message.contains(renewal.certificate) == true)
      try await call(route.port, Secure.channel())
    }
  }

  @Test("A channel reads its files again as well")
  func channel() async throws {
    let renewal = try Renewal("server")
    try renewal.replace("roots.crt", with: Certificates.text("unknown-ca.crt"))
    var policy = TLSPolicy()
    policy.reloadInterval = nil
    var options = ChannelOptions()
    options.backoff = Backoff(initial: .milliseconds(1), max: .milliseconds(1))
    try await Route.run(
      [.echo], channelOptions: options, credentials: renewal.credentials(interval: nil),
      channelCredentials: .tls(roots: .file("\(renewal.folder)/roots.crt"), policy: policy)
    ) { route in
      await expectError(.unavailable) { _ = try await route.unary([1]) }
      try renewal.replace("roots.crt", with: Certificates.text("ca.crt"))
      try route.channel.reloadCredentials()
      let answer = try await route.unary([1], options: CallOptions(waitForReady: true))
      #expect(answer == [1])
      try renewal.replace("roots.crt", with: "")
      let error = #expect(throws: RPCError.self) { try route.channel.reloadCredentials() }
      #expect(error?.message.contains("roots.crt") == true)
    }
  }

  @Test("Ten thousand calls on new connections across twenty swaps, and none fails")
  func underLoad() async throws {
    let renewal = try Renewal("server")
    let names = ["server-rsa", "server"]
    let (calls, progress) = AsyncStream<Void>.makeStream()
    try await Route.run(
      [.echo], credentials: renewal.credentials(interval: .milliseconds(20)),
      channelCredentials: Secure.channel()
    ) { route in
      let credentials = try Secure.channel()
      try await withThrowingTaskGroup { clients in
        for _ in 0..<20 {
          clients.addTask {
            for _ in 0..<500 {
              try await call(route.port, credentials)
              progress.yield()
            }
          }
        }
        clients.addTask {
          var count = 0
          for await _ in calls {
            count += 1
            // Spread over the calls, each in the middle of some.
            let (swap, position) = count.quotientAndRemainder(dividingBy: 500)
            guard position == 250 else { continue }
            try renewal.swapLink(to: names[swap % 2])
            // Every other one is left to the server to see.
            if swap % 2 == 0 { try route.server.reloadCredentials() }
            if swap == 19 { return }
          }
        }
        try await clients.waitForAll()
      }
    }
  }
}
