import Logging
import Testing

import Tern

@Suite("Logging interceptors", .timeLimit(.minutes(1)))
struct LoggingInterceptorTests {
  private func run(
    server: Logger = .silent, client: Logger = .silent, _ body: (Route) async throws -> Void
  ) async throws {
    var options = ServerOptions()
    options.interceptors = [ServerLoggingInterceptor(logger: server, failureLevel: .warning)]
    var channelOptions = ChannelOptions()
    channelOptions.interceptors = [ClientLoggingInterceptor(logger: client, failureLevel: .warning)]
    let fail = ServerMethod.clientStreaming(Route.clientStream) { _, _ in
      throw RPCError(.notFound, "There is none.")
    }
    try await Route.run(
      [.echo, .echoStream, fail], options: options, channelOptions: channelOptions, body)
  }

  @Test("Both sides write a line a call, with what was said and how it ended")
  func lines() async throws {
    let (server, client) = (LogKeeper(), LogKeeper())
    try await run(server: server.logger, client: client.logger) { route in
      for try await _ in route.bidi([[1], [2, 3]]) {}

      for (log, text) in [(server, "Call served."), (client, "Call made.")] {
        let line = try #require(await log.line(containing: text))
        #expect(line.hasPrefix("info \(text) duration="))
        #expect(line.contains(" method=/test.Route/Bidi peer=127.0.0.1:"))
        #expect(line.contains(" request_bytes=3 requests=2 response_bytes=3 responses=2 status=OK"))
      }
    }
  }

  @Test("A failure has its level, its code and its reason")
  func failures() async throws {
    let (server, client) = (LogKeeper(), LogKeeper())
    try await run(server: server.logger, client: client.logger) { route in
      await expectError(.notFound) { _ = try await route.clientStream([[1]]) }

      for log in [server, client] {
        let line = try #require(await log.line(containing: "Call "))
        #expect(line.hasPrefix("warning "))
        #expect(line.contains("reason=There is none."))
        #expect(line.hasSuffix("status=NOT_FOUND"))
      }
    }
  }

  @Test("A logger that leaves the lines out gets none")
  func disabled() async throws {
    let log = LogKeeper()
    var quiet = log.logger
    quiet.logLevel = .error
    try await run(server: quiet, client: quiet) { route in
      _ = try await route.unary([1])
      quiet.error("last")
      #expect(await log.line(containing: "") == "error last ")
    }
  }
}

extension Logger {
  static let silent = Logger(label: "silent", factory: { _ in SwiftLogNoOpLogHandler() })
}
