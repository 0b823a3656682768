/// Metadata that shows, call by call, on whose behalf a client calls: a token, mostly.
///
/// ```swift
/// let credentials = CallCredentials { call in
///   ["authorization": "Bearer \(try await tokens.current(for: call.serviceURL))"]
/// }
/// ```
///
/// Only sent over TLS: on a plaintext channel a call with credentials fails with `UNAUTHENTICATED`
/// before anything leaves. The function runs for each call, concurrently, within its deadline, and
/// the call waits for it; keep what it gets for long. When it throws, the call fails with
/// `UNAUTHENTICATED`, or with the status of the `RPCError` that it threw.
public struct CallCredentials: Sendable {
  /// The call for which credentials are wanted.
  public struct Call: Sendable {
    /// The server and the service, e.g. `https://example.com/greet.Greeter`: the audience of a
    /// token.
    public let serviceURL: String
    public let method: MethodDescriptor

    package init(serviceURL: String, method: MethodDescriptor) {
      self.serviceURL = serviceURL
      self.method = method
    }
  }

  package typealias Source = @Sendable (Call) async throws -> Metadata
  /// Asked in this order; their metadata goes out together.
  package let sources: [Source]

  private init(sources: [Source]) { self.sources = sources }

  public init(_ metadata: @escaping @Sendable (Call) async throws -> Metadata) {
    sources = [metadata]
  }

  /// `authorization: Bearer …`, the same for each call.
  public static func bearer(_ token: String) -> CallCredentials {
    CallCredentials { _ in ["authorization": "Bearer \(token)"] }
  }

  /// These and others, both for each call.
  public func adding(_ other: CallCredentials) -> CallCredentials {
    CallCredentials(sources: sources + other.sources)
  }
}
