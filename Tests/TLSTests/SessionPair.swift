import TernBytes
import TernCore
import TernTLS
import TestSupport

/// A client and a server that are joined by memory, so that a test decides how their bytes arrive.
final class SessionPair {
  let client: TLSSession
  let server: TLSSession
  private let clientOutput = ByteBuffer()
  private let serverOutput = ByteBuffer()
  /// How many bytes each side gets at once.
  var chunkBytes = 4096
  /// Why a side gave up.
  private(set) var clientFailure: TLSFailure?
  private(set) var serverFailure: TLSFailure?
  /// What each side has received.
  private(set) var receivedByClient: [UInt8] = []
  private(set) var receivedByServer: [UInt8] = []
  private(set) var tickets: [TLSTicket] = []

  init(
    _ clientContext: TLSContext, _ serverContext: TLSContext, host: String = "localhost",
    ticket: TLSTicket? = nil
  ) throws {
    client = try TLSSession(
      clientContext, expectedHost: host, ticket: ticket, outbound: clientOutput)
    server = try TLSSession(serverContext, outbound: serverOutput)
    client.onTicket = { [unowned self] in tickets.append($0) }
  }

  /// Does the whole handshake, or as much as succeeds.
  func shakeHands() {
    do throws(TLSFailure) {
      try client.start()
    } catch {
      clientFailure = error
    }
    exchange()
  }

  /// Moves bytes until neither side has any.
  func exchange() {
    while !clientOutput.isEmpty || !serverOutput.isEmpty {
      deliver(from: clientOutput, toServer: true)
      deliver(from: serverOutput, toServer: false)
    }
  }

  private func deliver(from output: ByteBuffer, toServer: Bool) {
    let bytes = output.bytes
    output.removeAll()
    var index = 0
    while index < bytes.count {
      let end = min(index + chunkBytes, bytes.count)
      feed(Array(bytes[index..<end]), toServer: toServer)
      index = end
    }
  }

  /// Hands bytes to one side, as if they came from the network.
  func feed(_ bytes: [UInt8], toServer: Bool) {
    if toServer ? serverFailure != nil : clientFailure != nil { return }
    do throws(TLSFailure) {
      let plaintext = try (toServer ? server : client).receive(bytes)
      if toServer { receivedByServer += plaintext } else { receivedByClient += plaintext }
    } catch {
      if toServer { serverFailure = error } else { clientFailure = error }
    }
  }

  func send(_ bytes: [UInt8], fromServer: Bool = false) throws {
    try unsafe bytes.withUnsafeBytes { bytes in
      try unsafe (fromServer ? server : client).send(bytes)
    }
  }

  /// What a side has written and that is still on its way.
  func takeOutput(ofServer: Bool) -> [UInt8] {
    let output = ofServer ? serverOutput : clientOutput
    defer { output.removeAll() }
    return output.bytes
  }
}

extension TLSSession {
  func receive(_ bytes: [UInt8]) throws(TLSFailure) -> [UInt8] {
    var plaintext = [UInt8](repeating: 0, count: bytes.count + Self.maxHeldBytes)
    var count = 0
    var failure: TLSFailure?
    unsafe plaintext.withUnsafeMutableBytes { place in
      unsafe bytes.withUnsafeBytes { bytes in
        do throws(TLSFailure) {
          count = try unsafe receive(bytes, into: place)
        } catch {
          failure = error
        }
      }
    }
    if let failure { throw failure }
    return Array(plaintext[..<count])
  }
}

// MARK: Contexts

extension TLSContext.Identity {
  /// `server`: `server-chain.crt` and `server.key`.
  static func named(_ name: String) throws -> TLSContext.Identity {
    let chain = CertificateSource.bytes(try Certificates.bytes("\(name)-chain.crt"))
    let key = PrivateKeySource.bytes(try Certificates.bytes("\(name).key"))
    return try TLSContext.Identity(
      chain: Certificate.read(Certificates.bytes("\(name)-chain.crt"), from: chain),
      key: PrivateKey(SecretBytes(Certificates.bytes("\(name).key")), passphrase: nil, from: key),
      chainSource: chain, keySource: key)
  }
}

extension TLSContext.Roots {
  static func named(_ name: String) throws -> TLSContext.Roots {
    let bytes = try Certificates.bytes("\(name).crt")
    return TLSContext.Roots(
      includesSystem: false, certificates: try Certificate.read(bytes, from: .bytes(bytes)))
  }
}

enum Contexts {
  static func client(
    roots: String = "ca", identity: String? = nil, policy: TLSPolicy = TLSPolicy()
  ) throws -> TLSContext {
    try TLSContext.client(
      roots: .named(roots), identity: identity.map { try .named($0) }, policy: policy, keyLog: nil)
  }

  static func server(
    _ identities: String..., clientRoots: String? = nil, mustHaveClientCertificate: Bool = false,
    policy: TLSPolicy = TLSPolicy(), keyLog: (@Sendable (String) -> Void)? = nil
  ) throws -> TLSContext {
    try TLSContext.server(
      identities: (identities.isEmpty ? ["server"] : identities).map { try .named($0) },
      clientRoots: clientRoots.map { try .named($0) },
      mustHaveClientCertificate: mustHaveClientCertificate, policy: policy, keyLog: keyLog)
  }
}
