public import TernBytes
public import TernCore
internal import TernEventLoop
internal import TernWire

/// Encodes and sends the messages of one call, from whatever thread.
public struct _MessageWriter<Message>: Sendable {
  @usableFromInline let output: _MessageOutput
  @usableFromInline let codec: MessageCodec<Message>

  package init(_ output: _MessageOutput, codec: MessageCodec<Message>) {
    self.output = output
    self.codec = codec
  }

  @usableFromInline package init(_ call: _ServerCall, codec: MessageCodec<Message>) {
    self.init(_MessageOutput(stream: call.stream), codec: codec)
  }

  // Spec: W52 (compression: "not this message" is obeyed)
  /// Sends a message; waits while the other side is slower than we are.
  ///
  /// - Parameter compress: `false` if it is to go plain, whatever the call does.
  @inlinable
  public nonisolated(nonsending) func send(_ message: Message, compress: Bool = true) async throws {
    if output.hasEarlierSends { try await output.waitForEarlierSends() }
    if try put(message, compress: compress) { try await output.waitForRoom() }
  }

  /// Sends a message and never waits.
  ///
  /// - Returns: Whether the writer should wait before it sends more.
  @inlinable
  public func put(_ message: Message, compress: Bool = true) throws -> Bool {
    let buffer = try output.buffer()
    let offset = output.begin(in: buffer)
    do {
      try codec.encode(message, buffer)
      if output.isObserved { try output.show(message, in: buffer, at: offset) }
    } catch {
      output.undo(in: buffer, at: offset)
      throw error
    }
    return try output.commit(in: buffer, at: offset, compress: compress)
  }
}

/// Where the messages of one call go.
public struct _MessageOutput: Sendable {
  package let stream: CallStream

  package init(stream: CallStream) { self.stream = stream }

  @usableFromInline package func buffer() throws -> ByteBuffer { try stream.bufferForMessage() }

  @usableFromInline package func begin(in buffer: ByteBuffer) -> Int {
    MessageFramer.begin(in: buffer)
  }

  @usableFromInline package func undo(in buffer: ByteBuffer, at offset: Int) {
    buffer.truncate(to: offset)
  }

  @usableFromInline package func commit(
    in buffer: ByteBuffer, at offset: Int, compress: Bool
  ) throws -> Bool {
    try stream.commitMessage(in: buffer, at: offset, mayCompress: compress)
  }

  /// Whether interceptors want to see the messages.
  @usableFromInline package var isObserved: Bool { stream.isObserved }

  /// Shows a message that was encoded behind `offset` to those who want to see it.
  @usableFromInline package func show(
    _ message: Any, in buffer: ByteBuffer, at offset: Int
  ) throws {
    let payloadOffset = offset + MessageFramer.prefixBytes
    try stream.showOutbound(message, byteCount: max(0, buffer.count - payloadOffset))
  }

  /// Whether messages that were sent from other threads have to go first.
  @usableFromInline package var hasEarlierSends: Bool {
    stream.hasRemoteSends && stream.loop.isCurrent
  }

  @usableFromInline package nonisolated(nonsending) func waitForEarlierSends() async throws {
    await stream.waitForRemoteSends()
  }

  @usableFromInline package nonisolated(nonsending) func waitForRoom() async throws {
    if stream.loop.isCurrent { return try await stream.waitForRoom() }
    try await withTaskExecutorPreference(stream.loop) { try await hopAndWaitForRoom() }
  }

  @concurrent private func hopAndWaitForRoom() async throws { try await stream.waitForRoom() }
}
