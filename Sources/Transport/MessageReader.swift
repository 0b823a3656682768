internal import Synchronization
internal import TernBytes
public import TernCore
internal import TernEventLoop
internal import TernWire

/// Reads the messages of one call, from whatever thread.
///
/// Takes all whole messages from the stream at once, so that a reader on another thread crosses to
/// the loop once a batch and not once a message.
@safe public final class _MessageReader: @unchecked Sendable {
  // `@unchecked Sendable` because `isClaimed` lets one iterator in at a time.
  package let stream: CallStream
  private let batch = ByteBuffer()
  /// The length of the message that was handed out last, with its prefix.
  private var handedOutBytes = 0
  /// The compressed message that was handed out last, decompressed.
  private var decompressed: ByteBuffer?
  /// A message that could not be decompressed has ended the stream.
  private var failure: RPCError?
  private let isClaimed = Atomic<Bool>(false)
  /// The reader has seen the end of the stream, or its failure.
  fileprivate private(set) var hasEnded = false

  package init(stream: CallStream) { self.stream = stream }

  /// The next whole message that is here already. Valid until the next call.
  ///
  /// - Throws: If it is compressed and cannot be decompressed: the end of the call.
  @unsafe @usableFromInline
  package func nextInBatch() throws(RPCError) -> UnsafeRawBufferPointer? {
    if handedOutBytes > 0 {
      batch.removeFirst(handedOutBytes)
      handedOutBytes = 0
    }
    // A batch holds whole messages only. Asked for its bytes once: each question is a call.
    let bytes = unsafe batch.readable
    if unsafe bytes.isEmpty { return nil }
    let payloadBytes = unsafe UInt32(
      bigEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
    handedOutBytes = MessageFramer.prefixBytes + Int(payloadBytes)
    precondition(handedOutBytes <= bytes.count, "a batch that ends in a message")
    let payload = unsafe UnsafeRawBufferPointer(
      rebasing: bytes[MessageFramer.prefixBytes..<handedOutBytes])
    return unsafe bytes[0] == 0 ? payload : try decompress(payload)
  }

  private func decompress(
    _ payload: UnsafeRawBufferPointer
  ) throws(RPCError) -> UnsafeRawBufferPointer {
    let output = decompressed ?? ByteBuffer()
    decompressed = output
    output.removeAll()
    do throws(RPCError) {
      try unsafe stream.decompress(payload, into: output)
      return unsafe output.readable
    } catch {
      batch.removeAll()
      handedOutBytes = 0
      failure = error
      hasEnded = true
      stream.failByReader(error)
      throw error
    }
  }

  /// Waits for more messages.
  ///
  /// - Returns: `false` at the end of the stream.
  @usableFromInline package nonisolated(nonsending) func fill() async throws -> Bool {
    if let failure { throw failure }
    // Whoever waits has done with the last message, which may have been a long one.
    decompressed?.removeAll()
    if !stream.loop.isCurrent {
      return try await withTaskExecutorPreference(stream.loop) { try await hopAndFill() }
    }
    // All in one function: each asynchronous one between the reader and the place where it waits costs
    // it as much as a small message.
    let stream = stream
    while true {
      if let isFilled = try takeOrEnd() { return isFilled }
      if stream.isInRootTask {
        await unsafe withUnsafeContinuation {
          unsafe stream.suspendReader($0, isInRootTask: true)
        }
      } else {
        await withTaskCancellationHandler {
          await unsafe withUnsafeContinuation {
            unsafe stream.suspendReader($0, isInRootTask: false)
          }
        } onCancel: {
          stream.loop.submit { stream.resumeReader() }
        }
      }
    }
  }

  // On the loop it does not come back here.
  @concurrent private func hopAndFill() async throws -> Bool { try await fill() }

  /// - Returns: What `fill` does; `nil` if there is nothing yet.
  private func takeOrEnd() throws -> Bool? {
    switch try take() {
    case .messages: return true
    case .end: return false
    case .nothing: break
    }
    if !Task.isCancelled { return nil }
    stream.readerWasCancelled()
    throw stream.failure ?? CancellationError()
  }

  private func take() throws(RPCError) -> CallStream.Taken {
    do throws(RPCError) {
      let taken = try stream.take(into: batch)
      hasEnded = taken == .end
      return taken
    } catch {
      hasEnded = true
      throw error
    }
  }

  /// Whether interceptors want to see the messages.
  @usableFromInline package var isObserved: Bool { stream.isObserved }

  /// Shows a message to those who want to see it.
  @usableFromInline package func show(_ message: Any, byteCount: Int) throws {
    try stream.showInbound(message, byteCount: byteCount)
  }

  // MARK: One reader at a time

  /// - Returns: Whether nobody else reads.
  fileprivate func claim() -> Bool {
    isClaimed.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
      .exchanged
  }

  fileprivate func unclaim() { isClaimed.store(false, ordering: .releasing) }
}

/// Held by an iterator; two tasks that read one stream would tear its messages apart.
public final class _ReaderClaim: Sendable {
  private let reader: _MessageReader
  private let isGranted: Bool
  /// What happens to a call that is left before its end.
  private let onLeaving: (@Sendable () -> Void)?

  package init(_ reader: _MessageReader, onLeaving: (@Sendable () -> Void)? = nil) {
    self.reader = reader
    self.onLeaving = onLeaving
    isGranted = reader.claim()
  }

  deinit {
    guard isGranted else { return }
    let isLeft = !reader.hasEnded
    reader.unclaim()
    if isLeft { onLeaving?() }
  }

  @usableFromInline package func check() throws {
    if isGranted { return }
    throw RPCError(
      .internal,
      "The messages of this call are read by two iterators at once. Let one task read them, and "
        + "hand them on.")
  }
}

/// Iterates over the messages of one call.
public struct _MessageIterator<Message>: AsyncIteratorProtocol {
  @usableFromInline let reader: _MessageReader
  @usableFromInline let claim: _ReaderClaim
  @usableFromInline let codec: MessageCodec<Message>

  package init(
    _ reader: _MessageReader, codec: MessageCodec<Message>,
    onLeaving: (@Sendable () -> Void)? = nil
  ) {
    self.reader = reader
    self.codec = codec
    claim = _ReaderClaim(reader, onLeaving: onLeaving)
  }

  /// The next message, or `nil` when the other side has ended the stream.
  // Inlined always: a message that is here already then costs the reader's loop no asynchronous call.
  @inlinable @inline(__always)
  public mutating func next(
    isolation actor: isolated (any Actor)? = #isolation
  ) async throws -> Message? {
    try claim.check()
    while true {
      if let bytes = try unsafe reader.nextInBatch() {
        let message = try unsafe _decode(bytes, with: codec)
        if reader.isObserved { try reader.show(message, byteCount: bytes.count) }
        return message
      }
      guard try await reader.fill() else { return nil }
    }
  }
}

/// Decodes one message; what goes wrong becomes an `RPCError`.
@inlinable
public func _decode<Message>(
  _ bytes: UnsafeRawBufferPointer, with codec: MessageCodec<Message>
) throws -> Message {
  do {
    return try codec.decode(unsafe bytes.bytes)
  } catch let error as RPCError {
    throw error
  } catch {
    throw _decodingError(error, byteCount: bytes.count)
  }
}

// Spec: W41 (a message that is not of its type)
@usableFromInline
func _decodingError(_ error: any Error, byteCount: Int) -> RPCError {
  RPCError(
    .internal, "A message of \(byteCount) bytes could not be decoded.", cause: error, origin: .peer)
}
