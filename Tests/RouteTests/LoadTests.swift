import Testing

import Tern

/// Many calls, long messages, slow readers.
@Suite("Load", .timeLimit(.minutes(2)))
struct LoadTests {
  // Spec: W80 (RFC 9113, 5.1.2: calls above the server's limit wait)
  @Test("All calls succeed, however many at once", arguments: [101, 150, 1_000])
  func manyCalls(count: Int) async throws {
    try await Route.run([.echo]) { route in
      let answers = try await withThrowingTaskGroup { calls in
        for number in 0..<count {
          calls.addTask { try await route.unary([UInt8](repeating: 1, count: number)).count }
        }
        return try await calls.reduce(into: Set()) { $0.insert($1) }
      }
      #expect(answers == Set(0..<count))
    }
  }

  // Spec: W84 (RFC 9113, 5.2: messages longer than a window, and a budget for them)
  @Test("A hundred long uploads at once all end, though the budget holds seven of them")
  func longUploads() async throws {
    let length = 4 << 20
    let measure = ServerMethod.unary(Route.unary) { request, _ in Array("\(request.count)".utf8) }

    try await Route.run([measure], group: EventLoopGroup(loopCount: 2)) { route in
      let request = [UInt8](repeating: 7, count: length)
      try await withThrowingTaskGroup { calls in
        for _ in 0..<100 { calls.addTask { try await route.unary(request) } }
        for try await answer in calls { #expect(answer == Array("\(length)".utf8)) }
      }
    }
  }

  // Spec: W84 (one slow stream never stalls its siblings)
  @Test("One stream that is not read slows none of the others on its connection")
  func stalledStream() async throws {
    let gate = Signal()
    let hold = ServerMethod.clientStreaming(Route.clientStream) { requests, _ in
      await gate.wait()
      var count = 0
      for try await _ in requests { count += 1 }
      return Array("\(count)".utf8)
    }
    let request = [UInt8](repeating: 7, count: 50_000)

    try await Route.run([hold, .echo]) { route in
      async let stalled = route.clientStream(Array(repeating: request, count: 100))
      try await withThrowingTaskGroup { calls in
        for _ in 0..<99 {
          calls.addTask {
            for _ in 0..<20 { _ = try await route.unary(request) }
          }
        }
        try await calls.waitForAll()
      }
      gate.fire()
      let outcome = try await stalled
      #expect(outcome == Array("100".utf8))
    }
  }

  @Test("A writer whose client does not read waits, after windows and watermarks are full")
  func slowReader() async throws {
    let sent = Counter()
    let message = [UInt8](repeating: 7, count: 10_000)
    let flood = ServerMethod.serverStreaming(Route.serverStream) { _, responses, _ in
      while true {
        try await responses.send(message)
        sent.add()
      }
    }

    try await Route.run([flood, .echo]) { route in
      var iterator = route.serverStream([]).makeAsyncIterator()
      #expect(try await iterator.next() == message)
      // Others on the connection go on, each giving the flood a turn to go further if it could.
      for _ in 0..<200 { _ = try await route.unary([1]) }
      // What may be under way: the stream's window, once more in the reader's batch, the
      // watermark, and a message each side.
      let mostMessages = (2 * (256 << 10) + (64 << 10)) / message.count + 2
      #expect(sent.value <= mostMessages)
      _ = iterator
    }
  }

  @Test("A client that writes to a handler that does not read waits as well")
  func slowHandler() async throws {
    let gate = Signal()
    let sent = Counter()
    let hold = ServerMethod.clientStreaming(Route.clientStream) { _, _ in
      await gate.wait()
      return [1]
    }

    try await Route.run([hold, .echo]) { route in
      async let held = route.clientStream { requests in
        while true {
          try await requests.send([UInt8](repeating: 7, count: 10_000))
          sent.add()
        }
      }
      for _ in 0..<200 { _ = try await route.unary([1]) }
      let mostMessages = (2 * (256 << 10) + (64 << 10)) / 10_000 + 20
      #expect(sent.value <= mostMessages)
      gate.fire()
      let outcome = try await held
      #expect(outcome == [1])
    }
  }
}
