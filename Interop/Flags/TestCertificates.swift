internal import Glibc

/// The certificates that `make certs` writes in this clone: what `--use_test_ca` trusts, and what a
/// server shows unless told otherwise.
public enum TestCertificates {
  public static let authority = path("ca.crt")
  public static let serverChain = path("server-chain.crt")
  public static let serverKey = path("server.key")

  /// - Throws: if it cannot be read: a connection would fail with less to say.
  public static func check(_ path: String, of flag: String) throws(Flags.Problem) {
    if unsafe access(path, R_OK) == 0 { return }
    throw Flags.Problem(
      "--\(flag): '\(path)' cannot be read. For local tests 'make certs' writes certificates.")
  }

  private static func path(_ name: String) -> String {
    let folders = #filePath.split(separator: "/").dropLast(3)
    return "/" + folders.joined(separator: "/") + "/Certs/out/\(name)"
  }
}
