internal import Tern

/// One case of gRPC's interoperability tests, as a client puts it to a server.
///
/// Sources: <https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md>,
/// <https://github.com/grpc/grpc/blob/master/doc/negative-http2-interop-test-descriptions.md>
public enum TestCase: String, CaseIterable, Sendable {
  case emptyUnary = "empty_unary"
  case largeUnary = "large_unary"
  case clientCompressedUnary = "client_compressed_unary"
  case serverCompressedUnary = "server_compressed_unary"
  case clientStreaming = "client_streaming"
  case clientCompressedStreaming = "client_compressed_streaming"
  case serverStreaming = "server_streaming"
  case serverCompressedStreaming = "server_compressed_streaming"
  case pingPong = "ping_pong"
  case emptyStream = "empty_stream"
  case customMetadata = "custom_metadata"
  case statusCodeAndMessage = "status_code_and_message"
  case specialStatusMessage = "special_status_message"
  case unimplementedMethod = "unimplemented_method"
  case unimplementedService = "unimplemented_service"
  case cancelAfterBegin = "cancel_after_begin"
  case cancelAfterFirstResponse = "cancel_after_first_response"
  case timeoutOnSleepingServer = "timeout_on_sleeping_server"

  case rpcSoak = "rpc_soak"
  case channelSoak = "channel_soak"
  case longLivedChannel = "long_lived_channel"
  case concurrentLargeUnary = "concurrent_large_unary"

  case goAway = "goaway"
  case resetAfterHeader = "rst_after_header"
  case resetDuringData = "rst_during_data"
  case resetAfterData = "rst_after_data"
  case ping
  case maxStreams = "max_streams"
  case dataFramePadding = "data_frame_padding"
  case noDataFramePadding = "no_df_padding_sanity_test"

  /// What the server has to be for the case to say something.
  public enum Group: Sendable, Hashable {
    /// One that serves `grpc.testing.TestService`.
    case core
    /// The same; the case is about many calls.
    case load
    /// One that speaks HTTP/2 in an odd or a wrong way, a different one in each case.
    case hostile
  }

  public var group: Group {
    switch self {
    case .emptyUnary, .largeUnary, .clientCompressedUnary, .serverCompressedUnary, .clientStreaming,
      .clientCompressedStreaming, .serverStreaming, .serverCompressedStreaming, .pingPong,
      .emptyStream, .customMetadata, .statusCodeAndMessage, .specialStatusMessage,
      .unimplementedMethod, .unimplementedService, .cancelAfterBegin, .cancelAfterFirstResponse,
      .timeoutOnSleepingServer:
      .core
    case .rpcSoak, .channelSoak, .longLivedChannel, .concurrentLargeUnary: .load
    case .goAway, .resetAfterHeader, .resetDuringData, .resetAfterData, .ping, .maxStreams,
      .dataFramePadding, .noDataFramePadding:
      .hostile
    }
  }

  /// The cases of a group.
  public static func all(_ group: Group) -> [TestCase] { allCases.filter { $0.group == group } }

  /// The server did something else than the case expects.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// Puts the case to a server.
  ///
  /// - Throws: ``Failure`` if the server fails it.
  public func run(_ setup: CaseSetup) async throws {
    let client = try CaseClient(setup)
    defer { client.channel.close() }
    switch group {
    case .core: try await runCore(client)
    case .load: try await runLoad(client)
    case .hostile: try await runHostile(client)
    }
  }

  private func runCore(_ client: CaseClient) async throws {
    switch self {
    case .emptyUnary: try await client.emptyUnary()
    case .largeUnary: try await client.largeUnary()
    case .clientCompressedUnary: try await client.clientCompressedUnary()
    case .serverCompressedUnary: try await client.serverCompressedUnary()
    case .clientStreaming: try await client.clientStreaming()
    case .clientCompressedStreaming: try await client.clientCompressedStreaming()
    case .serverStreaming: try await client.serverStreaming()
    case .serverCompressedStreaming: try await client.serverCompressedStreaming()
    case .pingPong: try await client.pingPong()
    case .emptyStream: try await client.emptyStream()
    case .customMetadata: try await client.customMetadata()
    case .statusCodeAndMessage: try await client.statusCodeAndMessage()
    case .specialStatusMessage: try await client.specialStatusMessage()
    case .unimplementedMethod: try await client.unimplementedMethod()
    case .unimplementedService: try await client.unimplementedService()
    case .cancelAfterBegin: try await client.cancelAfterBegin()
    case .cancelAfterFirstResponse: try await client.cancelAfterFirstResponse()
    case .timeoutOnSleepingServer: try await client.timeoutOnSleepingServer()
    default: throw Failure(description: "\(rawValue) is no core case.")
    }
  }

  private func runLoad(_ client: CaseClient) async throws {
    switch self {
    case .rpcSoak: try await client.soak(makesChannels: false)
    case .channelSoak: try await client.soak(makesChannels: true)
    case .longLivedChannel: try await client.longLivedChannel()
    case .concurrentLargeUnary: try await client.concurrentLargeUnary()
    default: throw Failure(description: "\(rawValue) is no case of load.")
    }
  }

  private func runHostile(_ client: CaseClient) async throws {
    switch self {
    case .goAway: try await client.goAway()
    case .resetAfterHeader, .resetDuringData, .resetAfterData: try await client.reset()
    case .maxStreams: try await client.maxStreams()
    case .ping, .dataFramePadding, .noDataFramePadding: try await client.largeUnary()
    default: throw Failure(description: "\(rawValue) needs no hostile server.")
    }
  }
}
