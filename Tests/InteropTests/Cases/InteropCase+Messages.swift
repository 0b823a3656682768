import Testing

import Tern

private let mebibyte = 1 << 20
private let largestMessageBytes = 4 << 20

extension InteropCase {
  static let unaryCases = [
    InteropCase("unary") { echo in
      let answer = try await echo.unary([UInt8]("hello"))
      #expect(answer.text == "hello")
    },
    // Spec: W34 (PROTOCOL-HTTP2: a message of length zero is a message)
    InteropCase("unary_empty") { echo in
      let answer = try await echo.unary([])
      #expect(answer.isEmpty)
    },
    // Spec: W33 (PROTOCOL-HTTP2, Length-Prefixed-Message: over many DATA frames)
    InteropCase("unary_1_mib") { echo in
      let message = pattern(mebibyte)
      let answer = try await echo.unary(message)
      #expect(answer == message)
    },
    InteropCase("unary_4_mib") { echo in
      let message = pattern(largestMessageBytes)
      let answer = try await echo.unary(message)
      #expect(answer == message)
    },
    // Spec: W36, W37 (statuscodes, RESOURCE_EXHAUSTED: 4 MiB by default on both sides)
    InteropCase("request_over_4_mib") { echo in
      await expectError(.resourceExhausted) {
        _ = try await echo.unary(pattern(largestMessageBytes + 1))
      }
      let next = try await echo.unary([1])
      #expect(next == [1])
    },
    InteropCase("response_over_4_mib") { echo in
      await expectError(.resourceExhausted) {
        _ = try await echo.serverStream([UInt8]("1 \(largestMessageBytes + 1)")).collected()
      }
      let next = try await echo.unary([1])
      #expect(next == [1])
    },
    // Spec: W80 (RFC 9113, 5.1.2: calls above the server's limit wait)
    InteropCase("concurrent_1000") { echo in
      try await withThrowingTaskGroup(of: Bool.self) { calls in
        for number in 0..<1000 {
          let request = [UInt8]("\(number)")
          calls.addTask { try await echo.unary(request) == request }
        }
        var right = 0
        for try await isRight in calls where isRight { right += 1 }
        #expect(right == 1000)
      }
    },
  ]

  static let serverStreamCases = [
    InteropCase("server_stream") { echo in
      let messages = try await echo.serverStream([UInt8]("4 3")).collected()
      #expect(messages.map(\.text) == ["000", "001", "002", "003"])
    },
    InteropCase("server_stream_empty") { echo in
      let messages = try await echo.serverStream([UInt8]("0 0")).collected()
      #expect(messages.isEmpty)
    },
    InteropCase("server_stream_long") { echo in
      let messages = try await echo.serverStream([UInt8]("10000 16")).collected()
      #expect(messages.map { Int($0.text) } == Array(0..<10_000))
    },
    InteropCase("server_stream_large") { echo in
      let messages = try await echo.serverStream([UInt8]("8 \(mebibyte)")).collected()
      #expect(messages.map(\.count) == Array(repeating: mebibyte, count: 8))
    },
  ]

  static let clientStreamCases = [
    InteropCase("client_stream") { echo in
      let requests = ["a", "", "bcd"].map { [UInt8]($0) }
      let answer = try await echo.clientStream(requests)
      #expect(answer.text == "4 3")
    },
    // Spec: W67 (PROTOCOL-HTTP2, EOS: HEADERS with END_STREAM, no messages)
    InteropCase("client_stream_empty") { echo in
      let answer = try await echo.clientStream([])
      #expect(answer.text == "0 0")
    },
    // Spec: W33 (PROTOCOL-HTTP2, Length-Prefixed-Message: many in a DATA frame)
    InteropCase("client_stream_long") { echo in
      let answer = try await echo.clientStream { requests in
        for _ in 0..<10_000 { try await requests.send([UInt8](repeating: 0, count: 16)) }
      }
      #expect(answer.text == "160000 10000")
    },
  ]

  static let bidiCases = [
    // Ping-pong: the next request is sent when the answer to the last one is here.
    InteropCase("bidi") { echo in
      try await echo.bidi { requests, responses in
        var answers = responses.makeAsyncIterator()
        for message in [[UInt8]("one"), [], pattern(100_000)] {
          try await requests.send(message)
          #expect(try await answers.next() == message)
        }
        requests.finish()
        #expect(try await answers.next() == nil)
      }
    },
    // Spec: W67 (PROTOCOL-HTTP2, EOS: HEADERS with END_STREAM, no messages)
    InteropCase("bidi_empty") { echo in
      let answers = try await echo.bidi([]).collected()
      #expect(answers.isEmpty)
    },
    // Spec: W33 (PROTOCOL-HTTP2, Length-Prefixed-Message: many in a DATA frame)
    InteropCase("bidi_long") { echo in
      let answers = try await echo.bidi((0..<10_000).map { [UInt8]("\($0)") }).collected()
      #expect(answers.map { Int($0.text) } == Array(0..<10_000))
    },
  ]
}

/// Bytes that are wrong as soon as some are lost or exchanged.
private func pattern(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }
}
