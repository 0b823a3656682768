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
public struct MethodDescriptor: Sendable {
  /// The service with its package, e.g. `greet.Greeter`.
  public var service: String { names.service }
  /// The method as the `.proto` file spells it, e.g. `SayHello`.
  public var method: String { names.method }
  public let kind: CallKind
  /// What travels as `:path`, e.g. `/greet.Greeter/SayHello`.
  public var path: String { names.path }

  // Behind one reference: each call copies its descriptor more than once.
  private let names: Names

  private final class Names: Sendable {
    let service: String
    let method: String
    let path: String

    init(service: String, method: String) {
      self.service = service
      self.method = method
      path = "/\(service)/\(method)"
    }
  }

  public init(service: String, method: String, kind: CallKind) {
    self.kind = kind
    names = Names(service: service, method: method)
  }
}

extension MethodDescriptor: Hashable {
  public static func == (left: Self, right: Self) -> Bool {
    left.kind == right.kind
      && (left.names === right.names
        || left.service == right.service && left.method == right.method)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(service)
    hasher.combine(method)
    hasher.combine(kind)
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
