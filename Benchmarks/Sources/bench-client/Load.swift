internal import BenchProtos
internal import FoundationEssentials
internal import Tern

/// An answer that is not what was asked for.
struct WrongAnswer: Error {
  var expected: Int
  var seen: Int
}

/// The operations of one caller. It returns how long each took, in nanoseconds, where that can be
/// said.
struct Load: Sendable {
  let echo: Bench_Echo.Client
  let bytes: Int

  private var chunk: Bench_Chunk { .with { $0.body = Data(count: bytes) } }

  private func check(_ seen: Int, _ expected: Int) throws {
    if seen != expected { throw WrongAnswer(expected: expected, seen: seen) }
  }

  func unary(_ count: Int) async throws -> [Int] {
    let chunk = chunk
    var times: [Int] = []
    times.reserveCapacity(count)
    for _ in 0..<count {
      let start = now()
      let answer = try await echo.unary(chunk)
      times.append(now() - start)
      try check(answer.body.count, bytes)
    }
    return times
  }

  func download(_ count: Int) async throws -> [Int] {
    let order = Bench_Order.with {
      $0.count = Int32(count)
      $0.size = Int32(bytes)
    }
    var seen = 0
    for try await chunk in echo.download(order) {
      try check(chunk.body.count, bytes)
      seen += 1
    }
    try check(seen, count)
    return []
  }

  func upload(_ count: Int) async throws -> [Int] {
    let chunk = chunk
    let sum = try await echo.upload { requests in
      for _ in 0..<count { try await requests.send(chunk) }
    }
    try check(Int(sum.count), count)
    return []
  }

  func chat(_ count: Int) async throws -> [Int] {
    let chunk = chunk
    var times: [Int] = []
    times.reserveCapacity(count)
    try await echo.chat { requests, responses in
      var answers = responses.makeAsyncIterator()
      for _ in 0..<count {
        let start = now()
        try await requests.send(chunk)
        let answer = try await answers.next()
        times.append(now() - start)
        try check(answer?.body.count ?? -1, bytes)
      }
    }
    return times
  }
}
