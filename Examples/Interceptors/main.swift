internal import ExampleProtos
internal import GreeterService
internal import Logging
internal import Tern

// Interceptors: what a service does around each of its calls, written once. The first of an array is
// the outermost.

// A validator: looks at each request before the handler gets it. It is asked about any method's
// messages, and has something to say of one type.
struct NameValidator: ServerInterceptor {
  func intercept(_ call: ServerCall, next: Next) async throws {
    call.onRequest { message in
      guard let request = message.value as? Greet_HelloRequest else { return }
      if request.name.count > 20 {
        throw RPCError(
          .invalidArgument, "The name has \(request.name.count) characters; 20 are allowed.")
      }
    }
    try await next()
  }
}

// A value for handlers: whose token the call has shown.
enum UserKey: ContextKey { typealias Value = String }

struct PersonalGreeter: Greet_Greeter.Service {
  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    .with { $0.message = "Hello, \(request.name), says \(context[UserKey.self] ?? "nobody")!" }
  }
}

// On the client: shows the token, and tries once more where a server is too busy. Over TLS,
// CallCredentials are the better place for a token: they refuse to send it in plaintext.
struct TokenAndPatience: ClientInterceptor {
  let token: String

  func intercept(_ call: ClientCall, next: Next) async throws {
    call.metadata.append("authorization", "Bearer \(token)")
    do {
      try await next()
    } catch let error as RPCError where error.code == .unavailable {
      print("Once more, since: \(error)")
      try await next()
    }
  }
}

// Too busy each second time.
actor Moods {
  private var isBusy = false
  func change() -> Bool {
    isBusy.toggle()
    return isBusy
  }
}

struct Busy: ServerInterceptor {
  let moods = Moods()

  func intercept(_ call: ServerCall, next: Next) async throws {
    if await moods.change() { throw RPCError(.unavailable, "Busy.") }
    try await next()
  }
}

let logger = Logger(label: "greeter", factory: { StreamLogHandler.standardOutput(label: $0) })
var options = ServerOptions()
options.interceptors = [
  ServerLoggingInterceptor(logger: logger),
  Busy(),
  BearerTokenInterceptor(UserKey.self) { token, _ in token == "t0ken" ? "ada" : nil },
]
options.methods["greet.Greeter/SayHello"] = .init(interceptors: [NameValidator()])
let server = GRPCServer(services: [PersonalGreeter()], options: options)
let address = try await server.start(on: .tcp("localhost", 0), credentials: .insecure)
let channel = try GRPCChannel("\(address)", credentials: .insecure)
let greeter = Greet_Greeter.Client(channel)

// Interceptors of one call; `ChannelOptions.interceptors` are those of all calls of a channel.
var callOptions = CallOptions()
for (token, name) in [
  ("t0ken", "world"), ("t0ken", "a name that is far too long"), ("guess", "world"),
] {
  callOptions.interceptors = [TokenAndPatience(token: token)]
  do {
    print(try await greeter.sayHello(.with { $0.name = name }, options: callOptions).message)
  } catch {
    print("Refused: \(error)")
  }
}

channel.close()
await server.shutDown(within: .seconds(1))
