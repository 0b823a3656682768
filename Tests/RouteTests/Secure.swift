import Testing
import TestSupport

import Tern

/// Credentials of the test certificates.
enum Secure {
  static func server(
    _ name: String = "server", clients: ServerTLS.ClientCertificates = .none,
    policy: TLSPolicy = TLSPolicy()
  ) throws -> ServerCredentials {
    .tls(
      ServerTLS(
        identities: [try identity(name)], clientCertificates: clients,
        clientRoots: clients == .none ? nil : .file(try Certificates.path("ca.crt")),
        policy: policy))
  }

  static func identity(_ name: String) throws -> TLSIdentity {
    TLSIdentity(
      certificateChain: .file(try Certificates.path("\(name)-chain.crt")),
      privateKey: .file(try Certificates.path("\(name).key")))
  }

  static func channel(
    roots: String = "ca.crt", identity: String? = nil, serverName: String? = nil,
    policy: TLSPolicy = TLSPolicy()
  ) throws -> ChannelCredentials {
    .tls(
      ChannelTLS(
        roots: .file(try Certificates.path(roots)),
        identity: try identity.map { try Self.identity($0) },
        serverName: serverName, policy: policy))
  }
}
