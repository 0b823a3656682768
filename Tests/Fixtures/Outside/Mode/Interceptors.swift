// Interceptors, in each mode of the compiler.
import Tern

// Explicit where the default isolation is the main actor: interceptors run on the event loop.
nonisolated struct Tenant: ServerInterceptor {
  func intercept(_ call: ServerCall, next: Next) async throws {
    try call.addInitialMetadata(["tenant": "tern"])
    call.onRequest { message in print(message.byteCount) }
    try await next()
  }
}

nonisolated struct Patience: ClientInterceptor {
  func intercept(_ call: ClientCall, next: Next) async throws {
    do {
      try await next()
    } catch {
      try await next()
    }
  }
}

actor Tally: ServerInterceptor, ClientInterceptor {
  private var count = 0

  func intercept(_ call: ServerCall, next: ServerInterceptor.Next) async throws {
    count += 1
    try await next()
  }

  func intercept(_ call: ClientCall, next: ClientInterceptor.Next) async throws {
    count += 1
    try await next()
  }
}

nonisolated enum UserKey: ContextKey { typealias Value = String }

@MainActor func interceptingOptions() -> (ServerOptions, ChannelOptions) {
  var server = ServerOptions()
  server.interceptors = [
    Tenant(), Tally(), BearerTokenInterceptor(UserKey.self) { token, _ in token.isEmpty ? nil : token },
  ]
  var channel = ChannelOptions()
  channel.interceptors = [Patience(), Tally()]
  return (server, channel)
}
