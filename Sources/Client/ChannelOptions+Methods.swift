public import TernCore

extension ChannelOptions {
  /// What may be different for one service or method; `nil` is the channel's value. What a call's own
  /// options say goes before it.
  public struct MethodOptions: Sendable {
    public var timeout: Duration?
    public var maxRequestMessageBytes: Int?
    public var maxResponseMessageBytes: Int?
    public var compression: CompressionAlgorithm?

    public init(
      timeout: Duration? = nil, maxRequestMessageBytes: Int? = nil,
      maxResponseMessageBytes: Int? = nil, compression: CompressionAlgorithm? = nil
    ) {
      self.timeout = timeout
      self.maxRequestMessageBytes = maxRequestMessageBytes
      self.maxResponseMessageBytes = maxResponseMessageBytes
      self.compression = compression
    }
  }

  /// Whether calls that say nothing have something to complete.
  var speaksForCalls: Bool { timeout != nil || !methods.isEmpty }

  /// A call's options, with what the channel says where they say nothing.
  func completed(_ options: CallOptions, for descriptor: MethodDescriptor) -> CallOptions {
    var options = options
    if !methods.isEmpty {
      fill(&options, with: methods["\(descriptor.service)/\(descriptor.method)"])
      fill(&options, with: methods[descriptor.service])
    }
    options.timeout = options.timeout ?? timeout
    return options
  }

  private func fill(_ options: inout CallOptions, with method: MethodOptions?) {
    guard let method else { return }
    options.timeout = options.timeout ?? method.timeout
    options.maxRequestMessageBytes = options.maxRequestMessageBytes ?? method.maxRequestMessageBytes
    options.maxResponseMessageBytes =
      options.maxResponseMessageBytes ?? method.maxResponseMessageBytes
    options.compression = options.compression ?? method.compression
  }
}
