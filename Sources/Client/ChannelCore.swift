internal import Logging
internal import TernBytes
internal import TernCore
internal import TernEventLoop
internal import TernTransport
internal import TernWire

/// The part of a channel that lives on its loop: who waits, and where calls go.
@safe final class ChannelCore: SubchannelOwner, @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it; `init` hands it over.
  let loop: EventLoop
  private let options: ChannelOptions
  let authority: String
  let isSecure: Bool
  /// Whether nobody on the way sees what a call carries.
  let mayCarryCredentials: Bool
  let callCredentials: CallCredentials?
  private let credentialWatch: CredentialWatch?
  private let fixedFields: FieldBlock
  /// `nil`: nothing was asked for that is not standard.
  let compression: CallCompression?
  /// `grpc-encoding`, if calls compress unless told otherwise.
  private let encodingFields: FieldBlock?
  private var subchannel: Subchannel?
  private var picker: (any Picker)?
  private let waiting = CallQueue()
  private var heads: [String: RequestHeads] = [:]
  /// Those of the last call: the next one is often of the same method.
  private var lastHeads: RequestHeads?
  let spareStreams = ClientStreamPool()

  init(
    target: Target, authority: String, loop: EventLoop, options: ChannelOptions,
    security: ChannelSecurity?, callCredentials: CallCredentials?
  ) {
    self.loop = loop
    self.options = options
    self.authority = authority
    self.callCredentials = callCredentials
    isSecure = security != nil
    mayCarryCredentials = isSecure || target.isInProcess
    credentialWatch = security?.watch(on: loop)
    let compression = options.callCompression
    self.compression = compression.isStandard ? nil : compression
    fixedFields = RequestFields.fixed(
      userAgent: UserAgent.text(application: options.userAgent),
      acceptedEncodings: compression.acceptedEncodings)
    encodingFields = Self.encodingFields(of: options.compression)
    let subchannel = Subchannel(
      target: target, loop: loop, options: options, security: security, owner: self)
    self.subchannel = subchannel
    picker = SingleSubchannelPicker(subchannel: subchannel)
  }

  // MARK: Calls

  /// Begins to look after what the channel has. On the loop.
  func start() { credentialWatch?.start() }

  /// Sends a call, or lets it wait. On the loop.
  func start(_ stream: ClientStream) {
    stream.begin()
    send(begun: stream)
  }

  /// The same for one that counts already.
  func send(begun stream: ClientStream) {
    if stream.isOver { return }
    if callCredentials == nil, stream.hasPlainHead || stream.options.credentials == nil {
      return route(stream)
    }
    fetchCredentials(for: stream)
  }

  func route(_ stream: ClientStream) {
    if stream.isOver { return }
    // Who came earlier goes first.
    if !waiting.isEmpty { return enqueue(stream) }
    if !send(stream) { enqueue(stream) }
  }

  /// - Returns: `false` if it has to wait.
  private func send(_ stream: ClientStream) -> Bool {
    guard let picker else { return false }
    switch picker.pick(stream) {
    case .use(let subchannel):
      guard let connection = subchannel.connectionWithRoom else { return false }
      return connection.start(stream, head: head(for: stream))
    case .wait:
      subchannel?.connect()
      return false
    case .fail(let status):
      if stream.options.waitForReady { return false }
      stream.cancel(status, origin: .library)
      return true
    case .drop(let status):
      stream.cancel(status, origin: .library)
      return true
    }
  }

  func sendAgain(_ stream: ClientStream) {
    waiting.putInFront(stream)
    // Not now: the connection that gave it back is still telling others.
    let core = self
    loop.submit { core.sendWaiting() }
  }

  // MARK: Waiting

  private func enqueue(_ stream: ClientStream) {
    waiting.append(stream)
    if waiting.count == 1 || !isConnected { subchannel?.connect() }
  }

  private var isConnected: Bool { subchannel?.connectionWithRoom != nil }

  func subchannelChanged(_ subchannel: Subchannel) { sendWaiting() }

  private func sendWaiting() {
    if waiting.isEmpty { return }
    var stay: [ClientStream] = []
    while let stream = waiting.popFirst() {
      if stream.isOver || send(stream) { continue }
      stay.append(stream)
      // The next one would not fare better, unless this one waits where others fail.
      if !stream.options.waitForReady || isWaitingForRoom { break }
    }
    waiting.putBack(stay)
    if !waiting.isEmpty { subchannel?.connect() }
  }

  private var isWaitingForRoom: Bool {
    if case .ready? = subchannel?.state { true } else { false }
  }

  // MARK: Heads

  /// The fields of a method's request that are the same for each call.
  private final class RequestHeads {
    let path: String
    let pseudo: FieldBlock
    let plain: RequestHeadBlock

    init(path: String, pseudo: FieldBlock, plain: RequestHeadBlock) {
      self.path = path
      self.pseudo = pseudo
      self.plain = plain
    }
  }

  private func head(for stream: ClientStream) -> RequestHeadBlock {
    let heads = heads(for: stream.descriptor.path)
    if stream.hasPlainHead { return heads.plain }
    let metadata = RequestFields.metadata(stream.requestMetadata)
    let compression = stream.options.compression
    let authority = stream.options.authority
    guard
      metadata != nil || stream.deadlineNanoseconds != nil || compression != nil || authority != nil
    else {
      return heads.plain
    }
    // Spec: W5 (PROTOCOL-HTTP2, Request-Headers: the timeout comes first)
    var blocks = [authority.map { pseudo(stream.descriptor.path, $0) } ?? heads.pseudo]
    if let deadline = stream.deadlineNanoseconds {
      blocks.append(RequestFields.timeout(nanoseconds: max(1, deadline - loop.now)))
    }
    blocks.append(fixedFields)
    if let encoding = compression.map(Self.encodingFields) ?? encodingFields {
      blocks.append(encoding)
    }
    if let metadata { blocks.append(metadata) }
    return RequestHeadBlock(blocks)
  }

  private func heads(for path: String) -> RequestHeads {
    if let lastHeads, lastHeads.path == path { return lastHeads }
    let found = heads[path] ?? makeHeads(for: path)
    lastHeads = found
    return found
  }

  private func makeHeads(for path: String) -> RequestHeads {
    let pseudo = pseudo(path, authority)
    let blocks = [pseudo, fixedFields] + (encodingFields.map { [$0] } ?? [])
    let made = RequestHeads(path: path, pseudo: pseudo, plain: RequestHeadBlock(blocks))
    heads[path] = made
    return made
  }

  private func pseudo(_ path: String, _ authority: String) -> FieldBlock {
    RequestFields.pseudo(path: path, authority: authority, scheme: isSecure ? "https" : "http")
  }

  // Spec: W4 (PROTOCOL-HTTP2, Authority: another one where the credentials permit it)
  /// - Throws: If a call must not ask for this authority. From any thread.
  func check(_ authority: String) throws(RPCError) {
    if isSecure, authority != self.authority {
      throw RPCError(
        .internal,
        "The call asks for the authority '\(authority)', and the server has shown to be "
          + "'\(self.authority)'. Over TLS only that can be asked for.",
        origin: .caller)
    }
    let isUsable = !authority.isEmpty && authority.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    if !isUsable {
      throw RPCError(
        .internal,
        "The authority '\(authority)' of the call cannot travel. Write 'host' or 'host:port'.",
        origin: .caller)
    }
  }

  // Spec: W44 (compression: grpc-encoding)
  private static func encodingFields(of algorithm: CompressionAlgorithm) -> FieldBlock? {
    algorithm.isIdentity ? nil : RequestFields.encoding(algorithm.name)
  }

  // MARK: Ending

  /// No new calls; those that run may end.
  func close() {
    credentialWatch?.stop()
    let status = Status(.unavailable, "The channel was closed. Make a new one for further calls.")
    subchannel?.shutDown(status)
    sendWaiting()
  }
}
