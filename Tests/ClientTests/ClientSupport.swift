import Testing
import TernClient
import TernCore
import TernEventLoop
import TestSupport

/// A channel on a loop of its own whose time a test moves.
struct TimedClient {
  let clock: ManualClock
  let group: EventLoopGroup
  let channel: GRPCChannel

  init(
    _ target: String, clock: ManualClock = ManualClock(),
    _ configure: (inout ChannelOptions) -> Void = { _ in }
  ) throws {
    self.clock = clock
    var options = ChannelOptions()
    configure(&options)
    group = EventLoopGroup(loopCount: 1, clock: clock)
    channel = try GRPCChannel(target, credentials: .insecure, options: options, group: group)
  }

  private static func method(_ kind: CallKind) -> RPCMethod<[UInt8], [UInt8]> {
    RPCMethod(
      MethodDescriptor(service: "tern.test.Echo", method: "Unary", kind: kind),
      requestCodec: .bytes, responseCodec: .bytes)
  }

  var unary: UnaryCallable<[UInt8], [UInt8]> { UnaryCallable(channel, Self.method(.unary)) }

  var stream: ServerStreamingCallable<[UInt8], [UInt8]> {
    ServerStreamingCallable(channel, Self.method(.serverStreaming))
  }

  /// The error of a unary call that must fail.
  func failure(
    _ options: CallOptions = CallOptions(), sourceLocation: SourceLocation = #_sourceLocation
  ) async -> RPCError? {
    do {
      _ = try await unary([], options: options)
      Issue.record("The call succeeded.", sourceLocation: sourceLocation)
    } catch let error as RPCError {
      return error
    } catch {
      Issue.record("Expected an RPCError, but saw \(error).", sourceLocation: sourceLocation)
    }
    return nil
  }
}

extension Step {
  /// The client's preface, without an answer.
  static let silentPreface = Step("preface") { try $0.readPreface() }

  static func pings(_ count: Int) -> Step {
    wait(for: "\(count) PINGs") { $0.pings.count >= count }
  }
}
