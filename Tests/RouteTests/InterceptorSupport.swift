import Tern
import TernEventLoop

/// An interceptor that is a closure.
struct ServerStep: ServerInterceptor {
  let body: nonisolated(nonsending) @Sendable (ServerCall, Next) async throws -> Void

  init(_ body: nonisolated(nonsending) @escaping @Sendable (ServerCall, Next) async throws -> Void)
  {
    self.body = body
  }

  func intercept(_ call: ServerCall, next: Next) async throws {
    try await body(call, next)
  }
}

struct ClientStep: ClientInterceptor {
  let body: nonisolated(nonsending) @Sendable (ClientCall, Next) async throws -> Void

  init(_ body: nonisolated(nonsending) @escaping @Sendable (ClientCall, Next) async throws -> Void)
  {
    self.body = body
  }

  func intercept(_ call: ClientCall, next: Next) async throws {
    try await body(call, next)
  }
}

/// Messages that an interceptor has seen.
final class Seen: Sendable {
  private let all = Guarded<[(side: String, bytes: [UInt8], length: Int)]>([])

  func note(_ side: String, _ message: InterceptedMessage) {
    let bytes = message.value as? [UInt8] ?? []
    let length = message.byteCount
    all.withLock { $0.append((side, bytes, length)) }
  }

  func lengths(_ side: String) -> [Int] {
    all.withLock { $0.filter { $0.side == side && $0.bytes.count == $0.length }.map(\.length) }
  }
}

/// A method of each kind that sends back what it gets: all of it, or the last message.
let echoes: [ServerMethod] = [
  .echo, .echoStream,
  .serverStreaming(Route.serverStream) { request, responses, _ in
    try await responses.send(request)
  },
  .clientStreaming(Route.clientStream) { requests, _ in
    var last: [UInt8] = []
    for try await request in requests { last = request }
    return last
  },
]

extension CallKind {
  var routeName: String {
    switch self {
    case .unary: "Unary"
    case .serverStreaming: "ServerStream"
    case .clientStreaming: "ClientStream"
    case .bidirectional: "Bidi"
    }
  }
}

extension Route {
  /// Makes a call of a kind; a kind with one request sends the first.
  func echo(
    _ kind: CallKind, _ requests: [[UInt8]], options: CallOptions = CallOptions()
  ) async throws -> [[UInt8]] {
    switch kind {
    case .unary: return [try await unary(requests[0], options: options)]
    case .clientStreaming: return [try await clientStream(requests, options: options)]
    case .serverStreaming: return try await all(serverStream(requests[0], options: options))
    case .bidirectional: return try await all(bidi(requests, options: options))
    }
  }

  private func all(_ responses: ResponseStream<[UInt8]>) async throws -> [[UInt8]] {
    var all: [[UInt8]] = []
    for try await response in responses { all.append(response) }
    return all
  }
}

extension CallOptions {
  init(authorization values: [String]) {
    self.init()
    for value in values { metadata.append("authorization", value) }
  }
}
