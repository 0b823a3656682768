import Foundation
import Testing

import ExampleProtos
import Tern
import TernErrorDetails

extension InteropCase {
  /// Every kind of character that percent coding treats differently, and two that UTF-8 does.
  private static let texts = [
    1: "plain",
    2: "100 % sure, %41 stays",
    3: "naïve café",
    5: "日本語のメッセージ",
    7: "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n",
    16: "",
  ]

  // Spec: W56, W57 (PROTOCOL-HTTP2, Status and Status-Message)
  static let errorCases = [
    InteropCase("error_codes") { echo in
      for code in StatusCode.allCases where code != .ok {
        let text = texts[code.rawValue] ?? "Code \(code.rawValue) ✓"
        let request = [UInt8]("\(code.rawValue) \(text)")
        let error = await expectError(code) { _ = try await echo.fail(request) }
        expectFailure(error, code, text)
      }
    },
    // Spec: W58 (PROTOCOL-HTTP2, Status-Details)
    InteropCase("error_details") { echo in
      for code in [StatusCode.invalidArgument, .notFound, .permissionDenied, .unavailable] {
        let text = texts[code.rawValue] ?? "Code \(code.rawValue) ✓"
        let request = [UInt8]("\(code.rawValue) \(text)")
        let error = try #require(
          await expectError(code) { _ = try await echo.failWithDetails(request) })
        #expect(error.message == text)
        let wanted = Echo.details(text)
        #expect(try error.details(of: BadRequest.self) == [wanted.badRequest])
        #expect(try error.details(of: Greet_HelloRequest.self) == [wanted.hello])
        #expect(try error.details.count == 2)
      }
    },
    // Spec: W65 (HTTP/2 answers that end early)
    InteropCase("error_codes_of_streams") { echo in
      for code in StatusCode.allCases where code != .ok {
        let text = texts[code.rawValue] ?? "Code \(code.rawValue) ✓"
        let request = [UInt8]("\(code.rawValue) \(text)")
        let requests = Array(repeating: request, count: 100)
        var answers: [[UInt8]] = []
        let error = await expectError(code) {
          for try await answer in echo.failEarly(requests) { answers.append(answer) }
        }
        expectFailure(error, code, text)
        #expect(answers == [request])
      }
    },
    // Spec: W66 (statuscodes, UNIMPLEMENTED)
    InteropCase("unimplemented_method") { echo in
      let nothing = UnaryCallable(echo.channel, Echo.method("Nothing", .unary))
      await expectError(.unimplemented) { _ = try await nothing([]) }
    },
    InteropCase("unimplemented_service") { echo in
      let method = Echo.method("Bidi", .bidirectional, service: "tern.test.Nothing")
      let nothing = BidirectionalCallable(echo.channel, method)
      await expectError(.unimplemented) { _ = try await nothing([[1], [2]]).collected() }
    },
  ]

  /// All that ``Echo/fail`` promises beside the code.
  private static func expectFailure(_ error: RPCError?, _ code: StatusCode, _ text: String) {
    #expect(error?.message == text)
    #expect(error?.metadata["failed-with"] == ["\(code.rawValue)"])
    let request = [UInt8]("\(code.rawValue) \(text)")
    #expect(error?.metadata[bytes: "failed-with-bin"] == [[0xFE] + request])
  }

  // Spec: W72, W73 (RST_STREAM by the client; the handler is cancelled)
  static let cancellationCases = [
    InteropCase("cancel_unary") { echo in
      let key = UUID().uuidString
      let call = Task { try await echo.hang([UInt8](key)) }
      try await echo.reach("started \(key)")
      call.cancel()
      await expectError(.cancelled) { _ = try await call.value }
      try await echo.reach("cancelled \(key)")
    },
    // Leaving the loop early cancels the call.
    InteropCase("cancel_after_first_response") { echo in
      let key = UUID().uuidString
      for try await answer in echo.hangStream([UInt8](key)) {
        #expect(answer == [UInt8](key))
        break
      }
      try await echo.reach("cancelled \(key)")
    },
    InteropCase("cancel_after_begin") { echo in
      let call = Task {
        try await echo.clientStream { _ in await waitForCancellation() }
      }
      call.cancel()
      await #expect(throws: (any Error).self) { try await call.value }
      let next = try await echo.unary([1])
      #expect(next == [1])
    },
  ]

  // Spec: W18, W21 (gRPC deadlines)
  static let deadlineCases = [
    InteropCase("deadline_unary") { echo in
      try await expectDeadline(echo) { key, options in
        _ = try await echo.hang(key, options: options)
      }
    },
    InteropCase("deadline_stream") { echo in
      try await expectDeadline(echo) { key, options in
        _ = try await echo.hangStream(key, options: options).collected()
      }
    },
    InteropCase("deadline_of_1_ms") { echo in
      let requests = Array(repeating: [UInt8](repeating: 0, count: 27182), count: 1000)
      await expectError(.deadlineExceeded) {
        let options = CallOptions(timeout: .milliseconds(1))
        _ = try await echo.bidi(requests, options: options).collected()
      }
    },
  ]

  private static func expectDeadline(
    _ echo: EchoClient, _ call: ([UInt8], CallOptions) async throws -> Void
  ) async throws {
    let key = UUID().uuidString
    // Long enough that the call has begun on a busy machine too: only then can it be cancelled there.
    await expectError(.deadlineExceeded) {
      try await call([UInt8](key), CallOptions(timeout: .seconds(3)))
    }
    try await echo.reach("cancelled \(key)")
  }
}
