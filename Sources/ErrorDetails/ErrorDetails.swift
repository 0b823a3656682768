public import SwiftProtobuf
public import TernCore
internal import TernProtobuf

// The generated names begin with `Google_Rpc_`; these are what one writes. They are aliases and not
// the names themselves, so that code generated from users' .proto files that import
// google/rpc/*.proto finds what it expects. `Google_Rpc_Status` has none: `Status` is Tern's.

/// Why the call failed, for programs to act on.
public typealias ErrorInfo = Google_Rpc_ErrorInfo
/// When the client may try again.
public typealias RetryInfo = Google_Rpc_RetryInfo
/// For whoever debugs the server; not for strangers.
public typealias DebugInfo = Google_Rpc_DebugInfo
/// How to find the request in the server's logs.
public typealias RequestInfo = Google_Rpc_RequestInfo
/// Which resource the call failed on.
public typealias ResourceInfo = Google_Rpc_ResourceInfo
/// Which limits on use were met.
public typealias QuotaFailure = Google_Rpc_QuotaFailure
/// Which conditions were not met.
public typealias PreconditionFailure = Google_Rpc_PreconditionFailure
/// What is wrong with the request.
public typealias BadRequest = Google_Rpc_BadRequest
/// Where to read on.
public typealias Help = Google_Rpc_Help
/// A text to show to users.
public typealias LocalizedMessage = Google_Rpc_LocalizedMessage

extension RPCError {
  /// The details of the types in this module, in the order in which they were sent; others are left
  /// out.
  ///
  /// - Throws: An error with the code `INTERNAL` if they cannot be read.
  public var standardDetails: [any SwiftProtobuf.Message] {
    get throws(RPCError) {
      try details(of: [
        ErrorInfo.self, RetryInfo.self, DebugInfo.self, RequestInfo.self, ResourceInfo.self,
        QuotaFailure.self, PreconditionFailure.self, BadRequest.self, Help.self,
        LocalizedMessage.self,
      ])
    }
  }
}

extension RetryInfo {
  /// Asks the client to wait that long before it tries again.
  public init(delay: Duration) {
    self.init()
    self.delay = delay
  }

  /// How long to wait before the next try, from zero, also if it was not said, to 10,000 years, which
  /// is as long as Protobuf allows. What is beyond is cut: Swift's own `Duration` traps on some of the
  /// numbers that a peer may send.
  public var delay: Duration {
    get { withinLimits(Duration(retryDelay)) }
    set { retryDelay = Google_Protobuf_Duration(rounding: withinLimits(newValue)) }
  }
}

private func withinLimits(_ delay: Duration) -> Duration {
  min(max(delay, .zero), .seconds(315_576_000_000))
}
