import Tern
import TestSupport

/// Tern's credentials of the test certificates.
enum TernTLS {
  static func server(_ name: String = "server", clientCA: String? = nil) throws -> ServerCredentials
  {
    .tls(
      ServerTLS(
        identities: [try identity(name)], clientCertificates: clientCA == nil ? .none : .require,
        clientRoots: try clientCA.map { .file(try Certificates.path($0)) }))
  }

  static func channel(
    ca: String = "ca.crt", identity name: String? = nil, serverName: String? = nil
  ) throws -> ChannelCredentials {
    .tls(
      ChannelTLS(
        roots: .file(try Certificates.path(ca)), identity: try name.map { try identity($0) },
        serverName: serverName))
  }

  private static func identity(_ name: String) throws -> TLSIdentity {
    TLSIdentity(
      certificateChain: .file(try Certificates.path("\(name)-chain.crt")),
      privateKey: .file(try Certificates.path("\(name).key")))
  }
}
