internal import ExampleProtos
internal import Tern

// Deadlines: who calls says how long it waits. The rest follows by itself: the handler is cancelled in
// time, and so are the calls that it has made.

/// Takes its time, unless the name is short.
struct Thinker: Greet_Greeter.Service {
  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    if request.name.count > 5 {
      print("Thinking about '\(request.name)' …")
      // What waits in a handler ends with the deadline: its task is cancelled then.
      try await Task.sleep(for: .seconds(60))
    }
    let isAwaited = context.timeRemaining.map { $0 < .seconds(10) } ?? false
    return .with { $0.message = "Hello, \(request.name)! In a hurry: \(isAwaited)." }
  }
}

/// Asks another server, and says nothing of deadlines: its own call's counts there, too.
struct Relay: Greet_Greeter.Service {
  let next: Greet_Greeter.Client

  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    try await next.sayHello(request)
  }
}

let thinker = GRPCServer(services: [Thinker()])
let thinkerAddress = try await thinker.start(on: .tcp("localhost", 0), credentials: .insecure)
let inner = try GRPCChannel("\(thinkerAddress)", credentials: .insecure)
let relay = GRPCServer(services: [Relay(next: Greet_Greeter.Client(inner))])
let relayAddress = try await relay.start(on: .tcp("localhost", 0), credentials: .insecure)

// For calls that say nothing themselves: of all methods, and of one of them.
var options = ChannelOptions()
options.timeout = .seconds(30)
options.methods["greet.Greeter/SayHello"] = .init(timeout: .seconds(5))
let channel = try GRPCChannel("\(relayAddress)", credentials: .insecure, options: options)
let greeter = Greet_Greeter.Client(channel)

print(try await greeter.sayHello(.with { $0.name = "Ada" }).message)
print(
  try await greeter.sayHello(
    .with { $0.name = "Alan" }, options: CallOptions(timeout: .seconds(99))
  )
  .message)

// Connecting and queueing count, too: after this time there is an answer, whatever happens.
do {
  _ = try await greeter.sayHello(
    .with { $0.name = "Konrad" }, options: CallOptions(timeout: .milliseconds(200)))
} catch let error as RPCError {
  print("Konrad: \(error)")
}

channel.close()
await relay.shutDown(within: .seconds(1))
inner.close()
await thinker.shutDown(within: .seconds(1))
print("Nobody thinks about anything any more.")
