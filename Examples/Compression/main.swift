internal import ExampleProtos
internal import GreeterService
internal import Tern

// Compression: off by default. It saves bytes and costs time, and a secret beside text that somebody
// else chose can be guessed from the length of both: then send such messages plain.

// The server compresses what it answers, for clients that accept it.
var serverOptions = ServerOptions()
serverOptions.compression = .gzip
let server = GRPCServer(services: [Greeter(), Echoes()], options: serverOptions)
let address = try await server.start(on: .tcp("localhost", 0), credentials: .insecure)

// The channel compresses what it asks; a call may choose otherwise.
var channelOptions = ChannelOptions()
channelOptions.compression = .gzip(level: 9)
let channel = try GRPCChannel("\(address)", credentials: .insecure, options: channelOptions)
let greeter = Greet_Greeter.Client(channel)

let name = String(repeating: "a long, long name, ", count: 1_000)
let reply = try await greeter.sayHello(.with { $0.name = name })
print("Compressed both ways: \(reply.message.utf8.count) bytes of a greeting")

// Deflate for this call, and nothing at all for the next one.
_ = try await greeter.sayHello(
  .with { $0.name = name }, options: CallOptions(compression: .deflate))
_ = try await greeter.sayHello(
  .with { $0.name = name }, options: CallOptions(compression: .identity))

// In a stream, message by message: on both sides `send` takes `compress: false`.
let chat = Chat_ChatService.Client(channel)
try await chat.chat { requests, responses in
  try await requests.send(.with { $0.message = name })
  try await requests.send(.with { $0.message = "a password" }, compress: false)
  requests.finish()
  for try await response in responses {
    print("Echoed: \(response.message.utf8.count) bytes")
  }
}

channel.close()
await server.shutDown(within: .seconds(1))

/// Sends short answers plain, whatever the server's options say.
struct Echoes: Chat_ChatService.Service {
  func chat(
    _ requests: RequestStream<Chat_ChatRequest>, responses: ResponseWriter<Chat_ChatResponse>,
    context: ServerContext
  ) async throws {
    for try await request in requests {
      try await responses.send(
        .with { $0.message = request.message }, compress: request.message.utf8.count > 100)
    }
  }
}
