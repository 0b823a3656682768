internal import Glibc
internal import Logging
public import TernCore
package import TernEventLoop
package import TernTransport

/// A method in a server's table: its handler, its limits, and where it runs.
@safe package final class RegisteredMethod: CallHandler {
  package let descriptor: MethodDescriptor
  let pathBytes: [UInt8]
  package let takesSingleRequest: Bool
  package let maxRequestMessageBytes: Int
  package let maxResponseMessageBytes: Int
  package let compression: ServerCompression
  package let compressesResponses: Bool
  package let otherExecutor: (any TaskExecutor)?
  /// All that a call does, its interceptors included.
  package let body: LoopTaskBody
  private let logger: Logger

  init(_ method: ServerMethod, options: ServerOptions) {
    descriptor = method.descriptor
    pathBytes = Array(descriptor.path.utf8)
    takesSingleRequest = !descriptor.kind.hasRequestStream
    logger = options.logger
    let ofService = options.methods[descriptor.service]
    let ofMethod = options.methods["\(descriptor.service)/\(descriptor.method)"]
    body = InterceptorChain.wrap(
      method.body,
      in: options.interceptors + (ofService?.interceptors ?? []) + (ofMethod?.interceptors ?? []),
      kind: descriptor.kind)
    maxRequestMessageBytes =
      ofMethod?.maxRequestMessageBytes ?? ofService?.maxRequestMessageBytes
      ?? options.maxRequestMessageBytes
    maxResponseMessageBytes =
      ofMethod?.maxResponseMessageBytes ?? ofService?.maxResponseMessageBytes
      ?? options.maxResponseMessageBytes
    let execution =
      ofMethod?.handlerExecution ?? ofService?.handlerExecution ?? options.handlerExecution
    otherExecutor = execution.otherExecutor
    let algorithm = ofMethod?.compression ?? ofService?.compression ?? options.compression
    compression = ServerCompression(
      CallCompression(
        algorithm: algorithm, accepted: options.acceptedCompression,
        minMessageBytes: options.minCompressedMessageBytes))
    compressesResponses = !algorithm.isIdentity
  }

  func matches(_ path: UnsafeRawBufferPointer) -> Bool {
    guard path.count == pathBytes.count, let start = path.baseAddress else { return false }
    return unsafe memcmp(start, pathBytes, path.count) == 0
  }

  package func finish(_ stream: ServerStream, _ error: (any Error)?) {
    if let error { fail(stream, error) } else { stream.finishWithOK() }
  }

  // Spec: W75 (who generates which status)
  private func fail(_ stream: ServerStream, _ error: any Error) {
    var metadata: Metadata = [:]
    switch error {
    case let error as RPCError:
      // Metadata that another server sent to us is not for our client.
      if error.code != .ok, error.origin == .caller { metadata = usable(error.metadata) }
    case is CancellationError: break
    default:
      logger.error(
        "A handler failed with an error that is not an RPCError; the client gets UNKNOWN.",
        metadata: ["method": "\(descriptor)", "peer": "\(stream.peer)", "reason": "\(error)"])
    }
    stream.finish(Status(ofHandlerError: error), metadata: metadata)
  }

  private func usable(_ metadata: Metadata) -> Metadata {
    guard let problem = metadata.problem else { return metadata }
    logger.error(
      "The metadata of an error was left out.",
      metadata: ["method": "\(descriptor)", "reason": "\(problem)"])
    return [:]
  }
}

extension Status {
  // Spec: W75 (who generates which status)
  /// What a client is told of a handler that throws.
  public init(ofHandlerError error: any Error) {
    switch error {
    case let error as RPCError where error.code == .ok:
      self.init(.internal, "The handler failed with the status OK, which is no failure.")
    case let error as RPCError: self = error.status
    case is CancellationError: self.init(.cancelled, "The call was cancelled.")
    // Its text may hold what clients must not see: it goes to the log only.
    default: self.init(.unknown, "The handler failed. The server's log has the reason.")
    }
  }
}
