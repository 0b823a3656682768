internal import Foundation

/// The certificates and keys that Certs/make-certs.sh writes, by their file names.
package enum Certificates {
  /// Of `server-encrypted.key`.
  package static let passphrase = "tern"

  /// Where `name` lies: `server-chain.crt`, `server.key`, `ca.crt`, …
  ///
  /// - Throws: if there is no such file, or the script fails.
  package static func path(_ name: String) throws -> String {
    let path = try folder.get() + "/" + name
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw PeerProcess.Failure(description: "Certs/make-certs.sh writes no '\(name)'.")
    }
    return path
  }

  package static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(filePath: path(name))))
  }

  package static func text(_ name: String) throws -> String {
    String(decoding: try bytes(name), as: UTF8.self)
  }

  /// The script runs once a process; with certificates that are fresh it does nothing.
  private static let folder = Result {
    let certificates = PeerProcess.repository + "/Certs"
    let (code, text) = try PeerProcess(certificates + "/make-certs.sh", []).waitForEnd()
    guard code == 0 else { throw PeerProcess.Failure(description: text) }
    return certificates + "/out"
  }
}
