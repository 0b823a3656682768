public import TernCore

/// Lets only calls in that show a token, and tells the handler whose token it was.
///
/// ```swift
/// enum UserKey: ContextKey { typealias Value = User }
///
/// options.interceptors = [
///   BearerTokenInterceptor(UserKey.self) { token, _ in try await users.owner(of: token) }
/// ]
/// // in a handler
/// let user = context[UserKey.self]
/// ```
///
/// The token is what stands behind `Bearer` in the metadata `authorization`. A call without one, or
/// with one that nobody owns, fails with `UNAUTHENTICATED`. Use TLS: in plaintext anybody on the way
/// could take the token.
///
/// Source: RFC 6750, section 2.1
public struct BearerTokenInterceptor<Key: ContextKey>: ServerInterceptor {
  private let owner:
    nonisolated(nonsending) @Sendable (_ token: String, _ call: ServerCall) async throws -> Key
      .Value?

  /// - Parameters:
  ///   - key: Where the handler finds the owner.
  ///   - owner: Whose token it is; `nil`: nobody's. It may throw `RPCError`, such as
  ///     `PERMISSION_DENIED` for an owner who may not call this method.
  public init(
    _ key: Key.Type,
    owner:
      nonisolated(nonsending) @escaping @Sendable (
        _ token: String, _ call: ServerCall
      ) async throws -> Key.Value?
  ) {
    self.owner = owner
  }

  public nonisolated(nonsending) func intercept(_ call: ServerCall, next: Next) async throws {
    let values = call.metadata["authorization"]
    guard values.count == 1, let token = Self.token(in: values[0]) else {
      throw RPCError(
        .unauthenticated,
        values.isEmpty
          ? "The call shows no token. Send the metadata 'authorization: Bearer <token>'."
          : "The metadata 'authorization' has to be one 'Bearer <token>'.")
    }
    guard let value = try await owner(token, call) else {
      throw RPCError(.unauthenticated, "The token is not known, or no longer valid.")
    }
    call[Key.self] = value
    try await next()
  }

  private static func token(in value: String) -> String? {
    let parts = value.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    // The scheme's name may be written in either case.
    guard parts.count == 2, parts[0].lowercased() == "bearer", !parts[1].isEmpty else {
      return nil
    }
    return String(parts[1])
  }
}
