/// How many messages each side of a call sends.
public enum CallKind: Sendable, Hashable {
  /// One request, one response.
  case unary
  /// Many requests, one response.
  case clientStreaming
  /// One request, many responses.
  case serverStreaming
  /// Many requests, many responses.
  case bidirectional

  package var hasRequestStream: Bool { self == .clientStreaming || self == .bidirectional }
  package var hasResponseStream: Bool { self == .serverStreaming || self == .bidirectional }
}

/// The name and the kind of one method of a service.
public struct MethodDescriptor: Sendable, Hashable {
  /// The service with its package, e.g. `greet.Greeter`.
  public let service: String
  /// The method as the `.proto` file spells it, e.g. `SayHello`.
  public let method: String
  public let kind: CallKind
  /// What travels as `:path`, e.g. `/greet.Greeter/SayHello`.
  public let path: String

  public init(service: String, method: String, kind: CallKind) {
    self.service = service
    self.method = method
    self.kind = kind
    path = "/\(service)/\(method)"
  }
}

extension MethodDescriptor: CustomStringConvertible {
  public var description: String { path }
}

/// A method and how its messages become bytes. Generated code has one a method.
public struct RPCMethod<Request, Response>: Sendable {
  public let descriptor: MethodDescriptor
  public let requestCodec: MessageCodec<Request>
  public let responseCodec: MessageCodec<Response>

  @inlinable
  public init(
    _ descriptor: MethodDescriptor, requestCodec: MessageCodec<Request>,
    responseCodec: MessageCodec<Response>
  ) {
    self.descriptor = descriptor
    self.requestCodec = requestCodec
    self.responseCodec = responseCodec
  }
}
