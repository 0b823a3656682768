internal import Foundation
internal import Tern
internal import TestSupport

// Client streaming over a long link beside the same bytes over plain TCP on the same link.

nonisolated let message = [UInt8](repeating: 7, count: 64 << 10)
nonisolated let upload = RPCMethod<[UInt8], [UInt8]>(
  MethodDescriptor(service: "bench.Link", method: "Upload", kind: .clientStreaming),
  requestCodec: .bytes, responseCodec: .bytes)

struct Sink: RPCService {
  var serverMethods: [ServerMethod] {
    [
      .clientStreaming(upload) { requests, _ in
        for try await _ in requests {}
        return []
      }
    ]
  }
}

/// MB/s of `count` messages, from the first byte until the other side has said that it has the last.
func rate(of count: Int, since begin: ContinuousClock.Instant) -> Double {
  Double(count * message.count) / ((ContinuousClock.now - begin) / .seconds(1)) / 1e6
}

func plainTCP(_ count: Int, over link: DelayingRelay.Link) async throws -> Double {
  try await onOwnThread {
    let listener = try BlockingSocket.listen()
    let relay = try DelayingRelay(to: listener.port, link)
    Thread.detachNewThread {
      guard let sink = try? listener.accept() else { return }
      var left = count * message.count
      while left > 0, case .bytes(let bytes)? = try? sink.receive(until: .now + .seconds(60)) {
        left -= bytes.count
      }
      try? sink.send([1])
    }
    let source = try BlockingSocket.connect(port: relay.port)
    let begin = ContinuousClock.now
    for _ in 0..<count { try source.send(message) }
    _ = try source.receive(until: .now + .seconds(60))
    return rate(of: count, since: begin)
  }
}

/// Several uploads one after another on one connection: the first begins with small windows.
func tern(_ count: Int, over link: DelayingRelay.Link) async throws -> [Double] {
  let server = GRPCServer(services: [Sink()])
  let address = try await server.start(on: .tcp("127.0.0.1", 0), credentials: .insecure)
  let relay = try DelayingRelay(to: address.port ?? 0, link)
  let channel = try GRPCChannel(relay.target, credentials: .insecure)
  defer { channel.close() }
  let call = ClientStreamingCallable(channel, upload)
  _ = try await call([])
  var rates: [Double] = []
  for _ in 0..<2 {
    let begin = ContinuousClock.now
    _ = try await call { requests in for _ in 0..<count { try await requests.send(message) } }
    rates.append(rate(of: count, since: begin))
  }
  channel.close()
  await server.shutDown(within: .seconds(1))
  return rates
}

let mebibytes = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1024
let count = (mebibytes << 20) / message.count
print("Uploads of \(mebibytes) MiB over a link of 1 Gbit/s, in MB/s:")
for milliseconds in [20, 50, 100] {
  let link = DelayingRelay.Link(
    delay: .milliseconds(milliseconds) / 2, bytesPerSecond: 125_000_000)
  let plain = try await plainTCP(count, over: link)
  let shares = try await tern(count, over: link).map {
    String(format: "%.0f (%.0f %%)", $0, 100 * $0 / plain)
  }
  print(
    "\(milliseconds) ms a round trip: plain TCP " + String(format: "%.0f", plain)
      + ", Tern's first \(shares[0]), its second \(shares[1])")
}
