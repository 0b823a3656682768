internal import ExampleProtos
internal import Tern
internal import TernErrorDetails

// Rich errors: messages for programs, beside the code and the text for people. The usual ones come
// from TernErrorDetails; any other message will do, here a request that would have been right.

struct StrictGreeter: Greet_Greeter.Service {
  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    guard request.name.isEmpty else { throw tooBusy }
    let violation = BadRequest.FieldViolation.with {
      $0.field = "name"
      $0.description_p = "must not be empty"
    }
    throw RPCError(
      .invalidArgument, "Whom am I to greet?",
      details: [
        BadRequest.with { $0.fieldViolations = [violation] },
        Greet_HelloRequest.with { $0.name = "world" },
      ])
  }

  private var tooBusy: RPCError {
    let reason = ErrorInfo.with {
      $0.reason = "TOO_MANY_GREETINGS"
      $0.domain = "greet.example"
    }
    return RPCError(.unavailable, "Busy.", details: [reason, RetryInfo(delay: .seconds(30))])
  }
}

let server = GRPCServer(services: [StrictGreeter()])
let address = try await server.start(on: .tcp("localhost", 0), credentials: .insecure)
let channel = try GRPCChannel("\(address)", credentials: .insecure)
let greeter = Greet_Greeter.Client(channel)

// By type: mostly there is one of a type, or none.
do {
  _ = try await greeter.sayHello(Greet_HelloRequest())
} catch let error as RPCError {
  print("Refused: \(error)")
  for violation in try error.details(of: BadRequest.self).flatMap(\.fieldViolations) {
    print("The field '\(violation.field)' \(violation.description_p).")
  }
  for request in try error.details(of: Greet_HelloRequest.self) {
    print("This would do: '\(request.name)'.")
  }
}

// All that came of the usual types.
do {
  _ = try await greeter.sayHello(.with { $0.name = "world" })
} catch let error as RPCError {
  print("Refused: \(error)")
  for detail in try error.standardDetails {
    switch detail {
    case let info as ErrorInfo: print("The reason for programs: \(info.domain)/\(info.reason)")
    case let retry as RetryInfo: print("Try again in \(retry.delay).")
    default: break
    }
  }
}

channel.close()
await server.shutDown(within: .seconds(1))
