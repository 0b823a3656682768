internal import TernCore
internal import TernEventLoop
internal import TernTransport
internal import TernWire

extension ChannelCore {
  /// Asks the credentials of the channel and of the call for their metadata, then sends the call.
  func fetchCredentials(for stream: ClientStream) {
    if stream.isOver { return }
    // Spec: W75 (who generates which status: credentials of a call that failed)
    guard mayCarryCredentials else {
      return stream.cancel(
        Status(
          .unauthenticated,
          "The call has credentials, and the channel is plaintext: anybody on the way could take "
            + "them. Use .tls credentials for the channel."),
        origin: .caller)
    }
    let sources = (callCredentials?.sources ?? []) + (stream.options.credentials?.sources ?? [])
    let call = CallCredentials.Call(
      serviceURL: "https://\(serviceHost)/\(stream.descriptor.service)", method: stream.descriptor)
    let core = self
    let task = Task.detached {
      let result: Result<Metadata, RPCError>
      do {
        result = .success(try await Self.metadata(from: sources, call))
      } catch {
        result = .failure(Self.status(of: error))
      }
      core.loop.submit { core.didFetchCredentials(result, for: stream) }
    }
    // Whatever ends the call ends the wait.
    stream.onEarlyEnd = { task.cancel() }
  }

  /// The port of HTTPS is left out, as in other gRPC libraries: it is part of a token's audience.
  private var serviceHost: String {
    authority.hasSuffix(":443") ? String(authority.dropLast(4)) : authority
  }

  private static func metadata(
    from sources: [CallCredentials.Source], _ call: CallCredentials.Call
  ) async throws -> Metadata {
    var all: Metadata = [:]
    for source in sources { all.append(contentsOf: try await source(call)) }
    if let problem = all.problem {
      throw RPCError(.unauthenticated, "The call's credentials cannot be sent. \(problem)")
    }
    return all
  }

  // Spec: W75 (who generates which status: credentials of a call that failed)
  // Spec: W76 (A54: statuses that only applications may make)
  static func status(of error: any Error) -> RPCError {
    guard let error = error as? RPCError else {
      return RPCError(
        .unauthenticated, "The credentials of the call could not be had.", cause: error,
        origin: .caller)
    }
    if StatusMapping.isForApplicationsOnly(error.code) {
      return RPCError(
        .internal,
        "The credentials of the call failed with \(error.code), which only servers may say: "
          + error.message,
        cause: error, origin: .caller)
    }
    return RPCError(
      error.code, error.message, cause: error.cause, origin: .caller)
  }

  private func didFetchCredentials(_ result: Result<Metadata, RPCError>, for stream: ClientStream) {
    stream.onEarlyEnd = nil
    if stream.isOver { return }
    switch result {
    case .success(let metadata):
      stream.credentialMetadata = metadata
      route(stream)
    case .failure(let error): stream.cancel(error)
    }
  }
}
