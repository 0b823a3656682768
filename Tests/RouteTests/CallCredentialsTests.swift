import Testing
import TestSupport

import Tern

@Suite("Call credentials", .timeLimit(.minutes(1)))
struct CallCredentialsTests {
  /// Answers with the values of `authorization`.
  private static let tokens = ServerMethod.unary(Route.unary) { _, context in
    Array(context.metadata["authorization"].joined(separator: "|").utf8)
  }

  private func call(
    _ credentials: CallCredentials?, channel: CallCredentials? = nil, timeout: Duration? = nil
  ) async throws -> String {
    var channelCredentials = try Secure.channel()
    if let channel { channelCredentials = channelCredentials.adding(channel) }
    return try await Route.run(
      [Self.tokens], credentials: Secure.server(), channelCredentials: channelCredentials
    ) { route in
      let options = CallOptions(timeout: timeout, credentials: credentials)
      return String(decoding: try await route.unary([], options: options), as: UTF8.self)
    }
  }

  @Test("Those of the channel and of the call go out together, in this order")
  func composition() async throws {
    #expect(try await call(.bearer("b"), channel: .bearer("a")) == "Bearer a|Bearer b")
    #expect(try await call(.bearer("b").adding(.bearer("c"))) == "Bearer b|Bearer c")
    #expect(try await call(nil, channel: .bearer("a").adding(.bearer("z"))) == "Bearer a|Bearer z")
  }

  @Test("They learn for which service and method they are")
  func audience() async throws {
    let credentials = CallCredentials { call in
      ["authorization": "\(call.serviceURL) \(call.method.method)"]
    }

    let text = try await call(credentials)

    #expect(text.hasPrefix("https://127.0.0.1:"))
    #expect(text.hasSuffix("/test.Route Unary"))
  }

  // Spec: W75 (who generates which status: credentials of a call that failed)
  @Test("On a plaintext channel the call fails before anything leaves")
  func plaintext() async throws {
    let asked = Counter()
    let credentials = CallCredentials { _ in
      asked.add()
      return [:]
    }
    _ = try await Route.run([Self.tokens]) { route in
      await expectError(.unauthenticated) {
        _ = try await route.unary([], options: CallOptions(credentials: credentials))
      }
    }
    #expect(asked.value == 0)
  }

  private struct NoToken: Error {}

  // Spec: W75 (who generates which status: credentials of a call that failed)
  @Test("When they fail, the call is UNAUTHENTICATED and has the cause")
  func failure() async throws {
    let error = await expectError(.unauthenticated) {
      _ = try await call(CallCredentials { _ in throw NoToken() })
    }
    #expect(error?.cause is NoToken)
  }

  // Spec: W76 (A54: statuses that only applications may make)
  // Spec: W74 (statuscodes: what a library never says by itself)
  @Test(
    "A status that only servers may say becomes INTERNAL, with its text",
    arguments: [
      StatusCode.ok, .invalidArgument, .notFound, .alreadyExists, .failedPrecondition, .aborted,
      .outOfRange, .dataLoss,
    ])
  func rewritten(code: StatusCode) async throws {
    let error = await expectError(.internal) {
      _ = try await call(CallCredentials { _ in throw RPCError(code, "the token server is odd") })
    }
    #expect(error?.message.contains("the token server is odd") == true)
  }

  // Spec: W76 (A54: the other statuses stay)
  @Test("Any other status stays", arguments: [StatusCode.unavailable, .permissionDenied, .unknown])
  func kept(code: StatusCode) async throws {
    await expectError(code) {
      _ = try await call(CallCredentials { _ in throw RPCError(code, "later") })
    }
  }

  @Test("Metadata that cannot travel is an error of the call, not of the channel")
  func badMetadata() async throws {
    await expectError(.unauthenticated) {
      _ = try await call(CallCredentials { _ in ["grpc-status": "0"] })
    }
  }

  // Spec: W20 (the deadline covers the wait for credentials)
  @Test("The deadline of the call ends the wait for them, and their task is cancelled")
  func deadline() async throws {
    let ended = Signal()
    await expectError(.deadlineExceeded) {
      _ = try await call(
        CallCredentials { _ in
          defer { ended.fire() }
          await Signal().wait()
          return [:]
        }, timeout: .milliseconds(20))
    }
    await ended.wait()
  }

  @Test("Streams have them as well")
  func streaming() async throws {
    let echo = ServerMethod.bidirectional(Route.bidi) { _, responses, context in
      try await responses.send(
        Array(context.metadata["authorization"].joined(separator: "|").utf8))
    }
    try await Route.run(
      [echo], credentials: Secure.server(),
      channelCredentials: Secure.channel().adding(.bearer("a"))
    ) { route in
      for try await answer in route.bidi([[1]]) {
        #expect(String(decoding: answer, as: UTF8.self) == "Bearer a")
      }
    }
  }
}
