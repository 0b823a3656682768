internal import TernBytes
package import TernCore
internal import TernWire

extension ClientStream {
  // Spec: W42 (statuscodes: cardinality violations)
  /// The one response message of a call that is over. From the thread that waited for it.
  @unsafe package func singleResponse() throws(RPCError) -> UnsafeRawBufferPointer {
    if let failure { throw failure }
    let status: Status
    switch peekInbound() {
    case .whole(let payloadBytes, let isCompressed):
      let wholeBytes = MessageFramer.prefixBytes + payloadBytes
      if isCompressed, !canDecompress {
        status = statusOfCompressedMessage()
      } else if inbound.count == wholeBytes {
        let payload = unsafe inbound.slice(at: MessageFramer.prefixBytes, count: payloadBytes)
        return isCompressed ? try unsafe decompressedResponse(payload) : unsafe payload
      } else {
        status = Cardinality.secondResponse
      }
    case .refused(let error): status = error.status
    case .incomplete:
      status = inbound.isEmpty ? Cardinality.noResponse : Cardinality.cutOffResponse
    }
    throw RPCError(
      status.code, status.message, metadata: response.trailingMetadata, origin: .peer)
  }
}
