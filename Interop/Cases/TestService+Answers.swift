internal import Foundation
internal import InteropProtos
internal import SwiftProtobuf
internal import Tern

/// What the methods of the service have in common.
extension TestService {
  typealias Response = Grpc_Testing_StreamingOutputCallResponse

  /// Sends the two fields back that clients may ask for.
  func echoMetadata(_ context: ServerContext) throws {
    var initial = Metadata()
    for text in context.metadata[EchoedMetadata.initial] {
      initial.append(EchoedMetadata.initial, text)
    }
    if !initial.isEmpty { try context.setInitialMetadata(initial) }
    var trailing = Metadata()
    for bytes in context.metadata[bytes: EchoedMetadata.trailing] {
      trailing.append(EchoedMetadata.trailing, bytes)
    }
    if !trailing.isEmpty { try context.setTrailingMetadata(trailing) }
  }

  /// Ends the call with the status that the client asks for, unless that is OK.
  func answer(_ status: Grpc_Testing_EchoStatus) throws {
    guard let code = StatusCode(rawValue: Int(status.code)) else {
      throw RPCError(.invalidArgument, "\(status.code) is no status.")
    }
    if code != .ok { throw RPCError(code, status.message) }
  }

  /// The algorithm goes with the head, before the first message; a message may then opt out.
  func chooseCompression(
    _ responses: [Grpc_Testing_ResponseParameters], _ context: ServerContext
  ) async throws {
    if responses.contains(where: \.compressed.value) {
      try await context.setResponseCompression(.gzip)
    }
  }

  func send(
    _ ordered: [Grpc_Testing_ResponseParameters], to responses: ResponseWriter<Response>,
    _ context: ServerContext
  ) async throws {
    for parameters in ordered {
      if parameters.intervalUs > 0 {
        try await Task.sleep(for: .microseconds(parameters.intervalUs))
      }
      var response = Response()
      response.payload = try payload(bytes: parameters.size)
      if asksForPeerAddress(parameters) {
        let address = Tern_Interop_NewerStreamingOutputCallResponse.with {
          $0.peerSocketAddress = "\(context.peer)"
        }
        try response.merge(serializedBytes: address.serializedData())
      }
      // Without a wish of the client's it is as the server's options say.
      let compresses = !parameters.hasCompressed || parameters.compressed.value
      try await responses.send(response, compress: compresses)
    }
  }

  private func asksForPeerAddress(_ parameters: Grpc_Testing_ResponseParameters) -> Bool {
    let unknown = parameters.unknownFields.data
    if unknown.isEmpty { return false }
    // A client may have sent anything under this number; then it asks for nothing that we know.
    let newer = try? Tern_Interop_NewerResponseParameters(serializedBytes: unknown)
    return newer?.fillPeerSocketAddress.value ?? false
  }

  func check(isCompressed: Bool, expected: Grpc_Testing_BoolValue) throws {
    if isCompressed == expected.value { return }
    throw RPCError(
      .invalidArgument, "The request came \(isCompressed ? "compressed" : "plain"), unexpectedly.")
  }

  func payload(bytes: Int32) throws -> Grpc_Testing_Payload {
    guard bytes >= 0 else { throw RPCError(.invalidArgument, "A size is below zero.") }
    guard bytes <= maxPayloadBytes else {
      throw RPCError(.resourceExhausted, "A payload may have up to \(maxPayloadBytes) bytes.")
    }
    return .with { $0.body = Data(count: Int(bytes)) }
  }

  /// As whom the client has shown itself, by its certificate; empty if it has shown none.
  func username(_ context: ServerContext) -> String {
    guard let certificate = context.tls?.peerCertificate else { return "" }
    return certificate.spiffeID ?? certificate.subject
  }
}
