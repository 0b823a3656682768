import Foundation
import Synchronization
import TernCore
import TernEventLoop
import TernServer
import TernTransport
import TestSupport
import Testing

@testable import TernClient

/// Calls of all kinds that end in all ways at once: each ends once, with a status that it may have, and
/// leaves nothing behind.
///
/// Bounded by count. With TERN_STRESS_SECONDS it goes on for so long, by hand: best under a sanitizer,
/// `Scripts/sanitize stress`. TERN_STRESS_SEED begins elsewhere.
@Suite("Stress", .serialized, .timeLimit(.minutes(20)))
struct StressTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let seconds = environment["TERN_STRESS_SECONDS"].flatMap { Int($0) }
  private static let firstSeed = environment["TERN_STRESS_SEED"].flatMap { UInt64($0) } ?? 1
  private static let taskCount = 8
  private static let callsOfTask = 60

  // Spec: W65, W72, W73, W81 (early ends, resets, lost connections, all at once)
  @Test("Whatever ends a call, and with whatever it races, it ends once and leaves nothing")
  func everythingAtOnce() async throws {
    let end = Self.seconds.map { ContinuousClock.now + .seconds($0) }
    let descriptors = Self.descriptorCount
    var ends: [StatusCode: Int] = [:]
    var seed = Self.firstSeed
    repeat {
      try await round(seed: seed, &ends)
      seed += 1
    } while end.map { ContinuousClock.now < $0 } ?? (seed < Self.firstSeed + 6)

    // All of it did happen.
    for code in [StatusCode.ok, .aborted, .cancelled, .deadlineExceeded] {
      #expect(ends[code, default: 0] > 0, "\(ends)")
    }
    // Other tests open descriptors of their own meanwhile, unless this one runs alone.
    if end != nil {
      print("Stress: \(seed - Self.firstSeed) rounds, \(ends)")
      await expectSoon("the descriptors are closed") { Self.descriptorCount <= descriptors + 2 }
    }
  }

  private static var descriptorCount: Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
  }

  // MARK: One round: a server, its channel, and clients of frames that are rude

  private func round(seed: UInt64, _ ends: inout [StatusCode: Int]) async throws {
    var numbers = SeededGenerator(seed: seed)
    let service = StressService()
    let servers = EventLoopGroup(loopCount: 2)
    let clients = EventLoopGroup(loopCount: 1)
    // Every third server goes away in the middle.
    let goesEarly = seed % 3 == 0
    let patience = Duration.milliseconds(Int.random(in: 0...5, using: &numbers))
    let done = Counter()

    do {
      var options = ServerOptions()
      if seed % 2 == 0 { options.interceptors = [service.watching] }
      let server = GRPCServer(
        services: [ClosureService(serverMethods: service.methods)], options: options,
        group: servers)
      let address = try await server.start(on: .tcp("127.0.0.1", 0), credentials: .insecure)
      let channel = try GRPCChannel("\(address)", credentials: .insecure, group: clients)
      let route = Route(server: server, channel: channel, port: address.port ?? 0)

      let outcomes = await withTaskGroup(of: [StatusCode: Int].self) { tasks in
        for task in 0..<Self.taskCount {
          let taskSeed = numbers.next()
          tasks.addTask {
            await calls(of: UInt32(task), seed: taskSeed, on: route, service, done)
          }
        }
        tasks.addTask {
          await rudeClients(seed: seed, port: route.port, count: 12)
          return [:]
        }
        if goesEarly {
          tasks.addTask {
            while done.value < Self.taskCount * Self.callsOfTask / 2 { await Task.yield() }
            await server.shutDown(within: patience)
            return [:]
          }
        }
        return await tasks.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
      }
      #expect(outcomes.values.reduce(0, +) == Self.taskCount * Self.callsOfTask, "seed \(seed)")
      ends.merge(outcomes, uniquingKeysWith: +)
      channel.close()
      await server.shutDown(within: .seconds(10))
    }

    await expectNothingLeft(service, [servers, clients], seed: seed)
  }

  private func expectNothingLeft(
    _ service: StressService, _ groups: [EventLoopGroup], seed: UInt64
  ) async {
    await expectSoon("all handlers have ended (seed \(seed))") {
      service.begun.value == service.ended.value
    }
    await expectSoon("all connections are closed (seed \(seed))") {
      groups.allSatisfy { $0.loops.allSatisfy { $0.connectionCount == 0 } }
    }
    await expectSoon("all streams are gone (seed \(seed))") {
      service.streams.withLock { $0.allSatisfy { $0.value == nil } }
        && service.clientStreams.withLock { $0.allSatisfy { $0.value == nil } }
    }
    let problems = service.problems.withLock { $0 }
    #expect(problems.isEmpty, "seed \(seed): \(problems)")
    #expect(service.cancelled.value > 0, "seed \(seed)")
  }

  /// Waits for what is a few turns away.
  private func expectSoon(_ what: String, _ isSo: () -> Bool) async {
    let end = ContinuousClock.now + .seconds(30)
    while !isSo() {
      guard ContinuousClock.now < end else {
        Issue.record("Not so after 30 s: \(what).")
        return
      }
      await Task.yield()
    }
  }

  // MARK: Calls

  private func calls(
    of task: UInt32, seed: UInt64, on route: Route, _ service: StressService, _ done: Counter
  ) async -> [StatusCode: Int] {
    var numbers = SeededGenerator(seed: seed)
    var ends: [StatusCode: Int] = [:]
    for number in 0..<UInt32(Self.callsOfTask) {
      let call = StressCall(id: task << 16 | number, using: &numbers)
      let end = await end(of: call, on: route, service)
      if !call.possibleEnds.contains(end) {
        service.complain("\(call) ended with \(end).")
      }
      ends[end, default: 0] += 1
      done.add()
    }
    return ends
  }

  private func end(
    of call: StressCall, on route: Route, _ service: StressService
  ) async -> StatusCode {
    let task = Task {
      do {
        try await make(call, on: route, service)
        return StatusCode.ok
      } catch let error as RPCError {
        return error.code
      } catch {
        service.complain("\(call) threw \(error).")
        return .unknown
      }
    }
    if case .cancel(let turns) = call.client {
      for _ in 0..<turns { await Task.yield() }
      task.cancel()
    }
    return await task.value
  }

  private func make(_ call: StressCall, on route: Route, _ service: StressService) async throws {
    switch call.kind {
    case .unary:
      check(try await route.unary(call.message(0), options: call.options), call, service)
    case .clientStreaming:
      // Half of them by a closure, which has a task of its own.
      let answer: [UInt8]
      if call.id % 2 == 0 {
        answer = try await route.clientStream(call.messages, options: call.options)
      } else {
        answer = try await route.clientStream(options: call.options) { requests in
          for message in call.messages {
            try await requests.send(message)
            await Task.yield()
          }
        }
      }
      check(answer, call, service)
    case .serverStreaming:
      try await read(route.serverStream(call.message(0), options: call.options), call, service)
    case .bidirectional:
      try await read(route.bidi(call.messages, options: call.options), call, service)
    }
  }

  private func read(
    _ responses: ResponseStream<[UInt8]>, _ call: StressCall, _ service: StressService
  ) async throws {
    service.clientStreams.withLock { $0.append(WeakBox(responses.source.call.stream)) }
    var count = 0
    for try await response in responses {
      check(response, call, service)
      count += 1
      if case .leave(let messages) = call.client, count > messages { return }
    }
    let expected = call.handler == .endEarly ? 1 : call.messageCount
    if count != expected { service.complain("\(call) got \(count) responses, and OK.") }
  }

  private func check(_ bytes: [UInt8], _ call: StressCall, _ service: StressService) {
    if StressCall.Message(bytes)?.id != call.id {
      service.complain("\(call) got what is not its own.")
    }
  }

  // MARK: Rude clients

  /// Clients of frames that reset their calls or vanish, right behind the request or when the answer is
  /// on its way.
  private func rudeClients(seed: UInt64, port: Int, count: Int) async {
    var numbers = SeededGenerator(seed: seed &* 31)
    for number in 0..<count {
      var call = StressCall(id: UInt32(0xFFFF_0000) | UInt32(number), using: &numbers)
      while call.kind != .unary { call = StressCall(id: call.id, using: &numbers) }
      var steps: [Step] = [.preface]
      for stream in 0..<3 {
        let id = Frame.StreamID(1 + 2 * stream)
        steps += [
          .headers(.request(Route.unary.descriptor.path), on: id),
          .message(call.message(0), on: id, endStream: true),
        ]
        if Bool.random(using: &numbers) {
          steps.append(.reset(Bool.random(using: &numbers) ? .cancel : .noError, on: id))
        }
      }
      steps.append([.close, .vanish].randomElement(using: &numbers) ?? .close)
      // A server that has gone already is no failure.
      _ = try? await play(to: port, steps)
    }
  }
}
