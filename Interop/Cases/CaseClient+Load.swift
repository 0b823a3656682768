internal import Foundation
internal import InteropProtos
internal import Tern

/// Many calls: one after another, or at once.
extension CaseClient {
  func concurrentLargeUnary() async throws {
    // The last ones wait until all others had their turn.
    let timeout = Duration.seconds(180)
    try await withThrowingTaskGroup { calls in
      for _ in 0..<setup.concurrentCallCount {
        calls.addTask { try await call(request(), timeout: timeout) }
      }
      try await calls.waitForAll()
    }
  }

  func longLivedChannel() async throws {
    for iteration in 0..<setup.soak.iterations {
      if iteration > 0 { try await Task.sleep(for: setup.restBetweenCalls) }
      try await call(request())
      setup.log("call \(iteration + 1) of \(setup.soak.iterations) succeeded")
    }
  }

  /// - Parameter makesChannels: a channel for each iteration, so that connecting counts as well.
  func soak(makesChannels: Bool) async throws {
    let settings = setup.soak
    let timeout = settings.overallTimeout ?? settings.maxLatency * settings.iterations
    let end = ContinuousClock.now + timeout
    let threadCount = max(1, settings.threads)
    let iterations = try await withThrowingTaskGroup(of: [SoakIteration].self) { threads in
      for thread in 0..<threadCount {
        // Those that cannot be shared evenly go to the first ones.
        let numbers = stride(from: thread, to: settings.iterations, by: threadCount)
        threads.addTask {
          try await soak(Array(numbers), until: end, makesChannels: makesChannels)
        }
      }
      return try await threads.reduce(into: []) { $0 += $1 }
    }
    let summary = SoakSummary(iterations, settings: settings)
    setup.log(summary.description)
    if !summary.passes { throw TestCase.Failure(description: summary.description) }
  }

  private func soak(
    _ numbers: [Int], until end: ContinuousClock.Instant, makesChannels: Bool
  ) async throws -> [SoakIteration] {
    var iterations: [SoakIteration] = []
    for number in numbers {
      let start = ContinuousClock.now
      if start >= end { break }
      let problem = try await soakOnce(until: end, makesChannels: makesChannels)
      let iteration = SoakIteration(
        number: number, latency: ContinuousClock.now - start, problem: problem,
        settings: setup.soak)
      setup.log(iteration.description)
      iterations.append(iteration)
      // Paces the calls, as the case may ask for; a clock that has passed it returns at once.
      try await Task.sleep(until: start + setup.soak.minInterval)
    }
    return iterations
  }

  /// - Returns: what went wrong, if something did.
  private func soakOnce(
    until end: ContinuousClock.Instant, makesChannels: Bool
  ) async throws -> String? {
    let settings = setup.soak
    let channel = makesChannels ? try setup.makeChannel() : channel
    defer { if makesChannels { channel.close() } }
    let request = Grpc_Testing_SimpleRequest.with {
      $0.responseSize = Int32(clamping: settings.responseBytes)
      $0.payload.body = Data(count: settings.requestBytes)
    }
    do {
      let response = try await Grpc_Testing_TestService.Client(channel).unaryCall(
        request, options: options(timeout: end - .now))
      let bytes = response.payload.body.count
      return bytes == settings.responseBytes ? nil : "a response of \(bytes) bytes"
    } catch let error as RPCError {
      return "\(error)"
    }
  }
}

/// One call of a soak test. Its line is in the form that programs of the gRPC project look for.
struct SoakIteration: Sendable, CustomStringConvertible {
  let number: Int
  let milliseconds: Int
  let problem: String?
  private let serverName: String

  init(number: Int, latency: Duration, problem: String?, settings: SoakSettings) {
    self.number = number
    milliseconds = Int(latency / .milliseconds(1))
    let isLate = latency > settings.maxLatency
    let limit = Int(settings.maxLatency / .milliseconds(1))
    self.problem = problem ?? (isLate ? "exceeds max acceptable latency: \(limit)" : nil)
    serverName = settings.serverName
  }

  var description: String {
    // A channel does not tell which of the server's addresses a call went to.
    "soak iteration: \(number) elapsed_ms: \(milliseconds) peer: unknown server_uri: \(serverName) "
      + (problem.map { "failed: \($0)" } ?? "succeeded")
  }
}

/// What became of all iterations.
struct SoakSummary: CustomStringConvertible {
  let ran: Int
  let failures: Int
  /// Sorted.
  let latencies: [Int]
  let settings: SoakSettings

  init(_ iterations: [SoakIteration], settings: SoakSettings) {
    ran = iterations.count
    failures = iterations.count { $0.problem != nil }
    latencies = iterations.map(\.milliseconds).sorted()
    self.settings = settings
  }

  var passes: Bool { ran == settings.iterations && failures <= settings.maxFailures }

  /// In the form that programs of the gRPC project look for.
  var description: String {
    let verdict = failures <= settings.maxFailures ? "is within" : "exceeds"
    return "(server_uri: \(settings.serverName)) soak test ran: \(ran) / \(settings.iterations) "
      + "iterations. total_failures: \(failures) \(verdict) max_failures_threshold: "
      + "\(settings.maxFailures). median_soak_iteration_latency: \(percentile(50)) ms. "
      + "90th_soak_iteration_latency: \(percentile(90)) ms. worst_soak_iteration_latency: "
      + "\(percentile(100)) ms."
  }

  private func percentile(_ percent: Int) -> Int {
    guard let last = latencies.indices.last else { return 0 }
    return latencies[last * percent / 100]
  }
}
