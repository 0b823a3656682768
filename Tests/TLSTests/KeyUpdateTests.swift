import COpenSSL
import Testing

@testable import TernTLS

@Suite("TLS after the handshake")
struct KeyUpdateTests {
  @Test("Key updates under load, asked for by either side, lose no byte", arguments: [3, 4096])
  func keyUpdates(chunkBytes: Int) throws {
    let pair = try SessionPair(Contexts.client(), Contexts.server())
    pair.shakeHands()
    pair.chunkBytes = chunkBytes
    var sent: [UInt8] = []
    for round in 0..<40 {
      let bytes = (0..<500).map { UInt8(truncatingIfNeeded: $0 &* round) }
      let asking = round % 2 == 0 ? pair.client : pair.server
      // The other side answers with an update of its own, in the middle of what it sends.
      #expect(unsafe SSL_key_update(asking.handle, SSL_KEY_UPDATE_REQUESTED) == 1)
      try pair.send(bytes)
      try pair.send(bytes, fromServer: true)
      pair.exchange()
      sent += bytes
    }

    #expect(pair.clientFailure == nil && pair.serverFailure == nil)
    #expect(pair.receivedByServer == sent)
    #expect(pair.receivedByClient == sent)
  }
}
