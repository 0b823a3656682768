import ExampleProtos
import GreeterService
import Tern
import TernTesting
import Testing

// How to test a service, and what calls it: both in one process, over memory, without a port. All the
// rest is what runs in production.

@Suite("Greeter")
struct GreeterTests {
  @Test("A greeting names whom it greets")
  func greeting() async throws {
    let server = GRPCServer(services: [Greeter()])
    let channel = server.inProcessChannel()

    let reply = try await Greet_Greeter.Client(channel).sayHello(.with { $0.name = "world" })

    #expect(reply.message == "Hello, world!")
    channel.close()
    await server.shutDown(within: .seconds(1))
  }

  @Test("A greeter that does not answer is given up after ten seconds")
  func patience() async throws {
    // Time stands still until the test moves it.
    let clock = ManualClock()
    let group = EventLoopGroup(loopCount: 1, clock: clock)
    let (calls, call) = AsyncStream<Void>.makeStream()
    let server = GRPCServer(services: [SilentGreeter(call: call)], group: group)
    let channel = server.inProcessChannel()
    let client = PatientClient(greeter: Greet_Greeter.Client(channel))

    async let outcome = client.greet("world")
    for await _ in calls { break }
    await clock.advance(by: .seconds(10))

    #expect(await outcome == "world is silent.")
    channel.close()
    await server.shutDown(within: .zero)
  }
}

/// What is tested: it should not wait for ever.
struct PatientClient: Sendable {
  let greeter: Greet_Greeter.Client

  func greet(_ name: String) async -> String {
    do {
      let options = CallOptions(timeout: .seconds(10))
      return try await greeter.sayHello(.with { $0.name = name }, options: options).message
    } catch {
      return "\(name) is silent."
    }
  }
}

/// A stand-in for the server, which says that it was called, and nothing else.
struct SilentGreeter: Greet_Greeter.Service {
  let call: AsyncStream<Void>.Continuation

  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    call.yield()
    try await Task.sleep(for: .seconds(3_600))
    return Greet_HelloReply()
  }
}
