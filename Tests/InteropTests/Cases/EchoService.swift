import ChatService
import GreeterService
import NumbersService
import SumService
import Tern

/// ``Echo`` on Tern's server.
struct EchoService: RPCService {
  private let milestones = Milestones()
  /// Is told why a hanging call was given up.
  var onCancel: @Sendable (CancellationReason) -> Void = { _ in }

  var serverMethods: [ServerMethod] {
    [
      .unary(Echo.unary) { request, context in
        try await echoMetadata(context)
        return request
      },
      .serverStreaming(Echo.serverStream, serverStream),
      .clientStreaming(Echo.clientStream) { requests, context in
        try await chooseCompression(context)
        var bytes = 0
        var count = 0
        for try await request in requests {
          bytes += request.count
          count += 1
        }
        return [UInt8]("\(bytes) \(count)")
      },
      .bidirectional(Echo.bidi) { requests, responses, context in
        try await echoMetadata(context)
        for try await request in requests { try await responses.send(request) }
      },
      .unary(Echo.fail) { request, _ in throw failure(request) },
      .unary(Echo.failWithDetails) { request, _ in
        let plain = failure(request)
        let details = Echo.details(plain.message)
        throw RPCError(plain.code, plain.message, details: [details.badRequest, details.hello])
      },
      .bidirectional(Echo.failEarly) { requests, responses, _ in
        for try await request in requests {
          try await responses.send(request)
          throw failure(request)
        }
      },
      .unary(Echo.hang) { key, context in
        context.onCancel(onCancel)
        try await hang(key)
        return []
      },
      .serverStreaming(Echo.hangStream) { key, responses, _ in
        try await responses.send(key)
        try await hang(key)
      },
      .unary(Echo.reach) { milestone, _ in
        await milestones.wait(for: milestone.text)
        return milestone
      },
    ]
  }

  private func serverStream(
    request: [UInt8], responses: ResponseWriter<[UInt8]>, context: ServerContext
  ) async throws {
    let numbers = request.text.split(separator: " ").compactMap { Int($0) }
    guard numbers.count == 2 else { throw RPCError(.invalidArgument, "Not 'COUNT SIZE'.") }
    try await chooseCompression(context)
    let plain = context.metadata.first("plain-response").flatMap { Int($0) }
    for number in 0..<numbers[0] {
      let digits = [UInt8]("\(number)")
      let zeros = max(0, numbers[1] - digits.count)
      try await responses.send(
        [UInt8](repeating: UInt8(ascii: "0"), count: zeros) + digits, compress: number != plain)
    }
  }

  private func echoMetadata(_ context: ServerContext) async throws {
    try await chooseCompression(context)
    let initial = context.metadata.renamed("echo-", to: "echo-")
    if initial.isEmpty { return }
    try context.setTrailingMetadata(context.metadata.renamed("echo-", to: "trailing-"))
    try await context.sendInitialMetadata(initial)
  }

  /// As `compress-response` in the metadata says, if it is there.
  private func chooseCompression(_ context: ServerContext) async throws {
    switch context.metadata.first("compress-response") {
    case "gzip": try await context.setResponseCompression(.gzip)
    case "deflate": try await context.setResponseCompression(.deflate)
    default: break
    }
  }

  private func failure(_ request: [UInt8]) -> RPCError {
    let words = request.text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard words.count == 2, let code = Int(words[0]).flatMap(StatusCode.init(rawValue:)) else {
      return RPCError(.invalidArgument, "Not 'CODE MESSAGE'.")
    }
    var metadata: Metadata = ["failed-with": "\(code.rawValue)"]
    metadata.append("failed-with-bin", [0xFE] + request)
    return RPCError(code, String(words[1]), metadata: metadata)
  }

  private func hang(_ key: [UInt8]) async throws {
    await milestones.reach("started \(key.text)")
    await waitForCancellation()
    await milestones.reach("cancelled \(key.text)")
    throw CancellationError()
  }
}

/// Nothing ever comes of this stream, so that only cancellation ends the wait.
func waitForCancellation() async {
  for await _ in AsyncStream<Never>(Never.self, { _ in }) {}
}

/// Texts that one call reaches and others wait for.
private actor Milestones {
  private var reached: Set<String> = []
  private var waiting: [String: [AsyncStream<Never>.Continuation]] = [:]

  func reach(_ milestone: String) {
    reached.insert(milestone)
    for waiter in waiting.removeValue(forKey: milestone) ?? [] { waiter.finish() }
  }

  /// Ends as well when its own call is cancelled: an `AsyncStream` does.
  func wait(for milestone: String) async {
    if reached.contains(milestone) { return }
    let (stream, waiter) = AsyncStream<Never>.makeStream()
    waiting[milestone, default: []].append(waiter)
    for await _ in stream {}
  }
}

/// Runs `body` beside a Tern server on a free port, and shuts the server down after it.
func withServer<Result>(
  _ services: [any RPCService] = [EchoService(), Greeter(), Numbers(), Sums(), Chat()],
  options: ServerOptions = ServerOptions(), credentials: ServerCredentials = .insecure,
  _ body: (Int) async throws -> Result
) async throws -> Result {
  let server = GRPCServer(services: services, options: options)
  let address = try await server.start(on: .tcp("127.0.0.1", 0), credentials: credentials)
  let result: Swift.Result<Result, any Error>
  do {
    result = .success(try await body(address.port!))
  } catch {
    result = .failure(error)
  }
  await server.shutDown(within: .seconds(5))
  return try result.get()
}
