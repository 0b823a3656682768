internal import Glibc
internal import Logging
package import TernCore
package import TernEventLoop
internal import TernTransport

/// A method in a server's table: its handler, its limits, and where it runs.
@safe package final class RegisteredMethod: CallHandler {
  package let descriptor: MethodDescriptor
  let pathBytes: [UInt8]
  package let takesSingleRequest: Bool
  package let maxRequestMessageBytes: Int
  package let maxResponseMessageBytes: Int
  private let body: ServerMethod.Body
  private let execution: HandlerExecution
  private let logger: Logger

  init(_ method: ServerMethod, options: ServerOptions) {
    descriptor = method.descriptor
    pathBytes = Array(descriptor.path.utf8)
    takesSingleRequest = !descriptor.kind.hasRequestStream
    body = method.body
    logger = options.logger
    let ofService = options.methods[descriptor.service]
    let ofMethod = options.methods["\(descriptor.service)/\(descriptor.method)"]
    maxRequestMessageBytes =
      ofMethod?.maxRequestMessageBytes ?? ofService?.maxRequestMessageBytes
      ?? options.maxRequestMessageBytes
    maxResponseMessageBytes =
      ofMethod?.maxResponseMessageBytes ?? ofService?.maxResponseMessageBytes
      ?? options.maxResponseMessageBytes
    execution =
      ofMethod?.handlerExecution ?? ofService?.handlerExecution ?? options.handlerExecution
  }

  func matches(_ path: UnsafeRawBufferPointer) -> Bool {
    guard path.count == pathBytes.count, let start = path.baseAddress else { return false }
    return unsafe memcmp(start, pathBytes, path.count) == 0
  }

  /// Where interceptors will wrap `body`: everything that a call does lies between these braces.
  package nonisolated(nonsending) func run(_ task: any LoopTask) async {
    let stream = unsafe unsafeDowncast(task, to: ServerStream.self)  // Only they have us as body.
    // The watchdog asks who ran last; a handler that blocks is seen at its begin or at its end.
    stream.loop.lastActivity = ObjectIdentifier(self)
    do {
      try await body(_ServerCall(stream), execution)
      if stream.hasRemoteSends { await stream.waitForRemoteSends() }
      stream.finishWithOK()
    } catch {
      if stream.hasRemoteSends { await stream.waitForRemoteSends() }
      fail(stream, error)
    }
    stream.loop.lastActivity = ObjectIdentifier(self)
  }

  // Spec: W75 (who generates which status)
  private func fail(_ stream: ServerStream, _ error: any Error) {
    switch error {
    case let error as RPCError where error.code == .ok:
      stream.finish(
        Status(.internal, "The handler failed with the status OK, which is no failure."))
    case let error as RPCError:
      // Metadata that another server sent to us is not for our client.
      let metadata = error.origin == .caller ? error.metadata : [:]
      stream.finish(error.status, metadata: usable(metadata))
    case is CancellationError:
      stream.finish(Status(.cancelled, "The call was cancelled."))
    default:
      // Its text may hold what clients must not see: it goes to the log only.
      logger.error(
        "A handler failed with an error that is not an RPCError; the client gets UNKNOWN.",
        metadata: ["method": "\(descriptor)", "peer": "\(stream.peer)", "reason": "\(error)"])
      stream.finish(
        Status(.unknown, "The handler failed. The server's log has the reason."))
    }
  }

  private func usable(_ metadata: Metadata) -> Metadata {
    guard let problem = metadata.problem else { return metadata }
    logger.error(
      "The metadata of an error was left out.",
      metadata: ["method": "\(descriptor)", "reason": "\(problem)"])
    return [:]
  }
}
