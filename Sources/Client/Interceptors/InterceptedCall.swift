internal import Synchronization
public import TernCore
public import TernEventLoop
internal import TernTransport

/// A call as its interceptors see it, whatever its kind and the type of its messages.
///
/// May be used from any thread.
public struct ClientCall: Sendable {
  let call: _ClientCall
  private let interception: Interception

  init(_ call: _ClientCall, _ interception: Interception) {
    self.call = call
    self.interception = interception
  }

  /// The method that is called.
  public var method: MethodDescriptor { call.stream.descriptor }

  // MARK: The request

  /// The call's options. What is changed counts from the next `next` on. A new timeout counts from
  /// the beginning of the call. The compression and limits of messages stay as they were.
  public var options: CallOptions {
    get { interception.options.withLock { $0 } }
    nonmutating set { interception.options.withLock { $0 = newValue } }
  }

  /// What is sent ahead of the request.
  public var metadata: Metadata {
    get { interception.options.withLock { $0.metadata } }
    nonmutating set { interception.options.withLock { $0.metadata = newValue } }
  }

  // MARK: Messages

  /// Shows `observer` each request. Before `next`. A request that is sent again is not shown again.
  public func onRequest(_ observer: @escaping MessageObserver) {
    call.stream.observeRequests(observer)
  }

  /// Shows `observer` each response: of a stream as the caller reads it, a single one before `next`
  /// returns. Before `next`.
  public func onResponse(_ observer: @escaping MessageObserver) {
    call.stream.observeResponses(observer)
  }

  // MARK: The response. After `next`, whether it returned or threw.

  /// What the server sent ahead of its messages.
  public var initialMetadata: Metadata { call.initialMetadata }
  /// What the server sent with the status.
  public var trailingMetadata: Metadata { call.trailingMetadata }
  /// The address of the server that was asked last; `nil` if none was.
  public var peer: SocketAddress? { interception.peer.withLock { $0 } }

  /// Gives the caller a response in place of a server's, for an interceptor that answers without
  /// `next`, or after it has thrown.
  ///
  /// - Parameter bytes: The message, encoded as the method encodes it.
  public func respond(withEncoded bytes: [UInt8]) {
    let stream = call.stream
    let isFirst = interception.noteResponse()
    stream.loop.execute { stream.respond(withEncoded: bytes, isFirst: isFirst) }
  }
}
