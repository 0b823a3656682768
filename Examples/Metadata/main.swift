internal import ExampleProtos
internal import Tern

// Metadata travels beside the messages: ahead of the request, ahead of the response, and with the
// status. Names have types, so that nobody has to write or read text or bytes by hand.

extension MetadataKey where Value == String {
  static var language: Self { Self("language") }
}
extension MetadataKey where Value == Int {
  static var greetings: Self { Self("greetings") }
}
// A message of Protobuf travels as bytes: such names end in `-bin`.
extension MetadataKey where Value == Greet_HelloRequest {
  static var onBehalfOf: Self { Self("on-behalf-of-bin") }
}

struct PoliteGreeter: Greet_Greeter.Service {
  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    // At once, so that the client has it before there is an answer.
    var initial = Metadata()
    initial[.language] = context.metadata[.language] ?? "en"
    try await context.sendInitialMetadata(initial)
    // With the status, whatever that is.
    var trailing = Metadata()
    trailing[.greetings] = request.name.isEmpty ? 0 : 1
    try context.setTrailingMetadata(trailing)

    if request.name.isEmpty {
      throw RPCError(.invalidArgument, "Whom?", metadata: ["missing": "name"])
    }
    let sender = context.metadata[.onBehalfOf]?.name ?? "nobody"
    return .with { $0.message = "\(sender) greets \(request.name)." }
  }
}

let server = GRPCServer(services: [PoliteGreeter()])
let address = try await server.start(on: .tcp("localhost", 0), credentials: .insecure)
let channel = try GRPCChannel("\(address)", credentials: .insecure)
let greeter = Greet_Greeter.Client(channel)

var options = CallOptions()
options.metadata[.language] = "de"
options.metadata[.onBehalfOf] = .with { $0.name = "Ada" }

// `withCall` returns what came beside the message.
let call = try await greeter.sayHello.withCall(.with { $0.name = "Alan" }, options: options)
print(call.message.message)
print("Ahead: \(call.initialMetadata)")
print("Greetings: \(call.trailingMetadata[.greetings] ?? -1)")

// An error has both as well.
do {
  _ = try await greeter.sayHello(Greet_HelloRequest(), options: options)
} catch let error as RPCError {
  print("Refused: \(error)")
  print("Ahead of it: \(error.initialMetadata), with it: \(error.metadata)")
}

// Names of the protocol, and what cannot travel, are refused before anything is sent.
do {
  _ = try await greeter.sayHello(
    .with { $0.name = "Alan" }, options: CallOptions(metadata: ["grpc-timeout": "1S"]))
} catch let error as RPCError {
  print("Not sent: \(error)")
}

channel.close()
await server.shutDown(within: .seconds(1))
