import TernBytes
import TernHTTP2
import TestSupport

typealias Code = TernHTTP2.ErrorCode

/// One side of a connection, without a socket; what its session tells is kept in order.
final class Endpoint: SessionReceiver {
  enum Event: Equatable {
    case settings
    case pingAcknowledgement(UInt64)
    case goAway(lastStreamID: Int32, errorCode: UInt32, debugText: String)
  }

  let session: HTTP2Session
  private(set) var events: [Event] = []
  /// All streams that the peer opened, or that `open` opened.
  private(set) var streams: [RecordedStream] = []
  /// Whether each stream's window is given back as soon as bytes are here.
  var takesAtOnce = true
  var refusesStreams = false

  init(
    _ role: HTTP2Session.Role, _ settings: HTTP2Settings = HTTP2Settings(),
    memory: SessionMemory? = nil
  ) throws {
    session = try HTTP2Session(role: role, settings: settings, memory: memory)
    session.report(to: self)
  }

  func forgetStreams() { streams = [] }

  // MARK: Bytes

  func receive(_ bytes: some Sequence<UInt8>) throws {
    try unsafe Array(bytes).withUnsafeBytes { try unsafe session.receive($0) }
    if takesAtOnce { for stream in streams { stream.take(from: session) } }
  }

  func receive(_ frames: [Frame]) throws { try receive(frames.flatMap(\.encoded)) }

  /// All that the session wants to send now.
  func pull(bufferBytes: Int = 64 << 10) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while case let more = try pullOnce(bufferBytes: bufferBytes), !more.isEmpty { bytes += more }
    return bytes
  }

  func pullOnce(bufferBytes: Int) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: bufferBytes)
    let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe session.pull(into: $0) }
    return Array(buffer[..<count])
  }

  /// The frames that the session wants to send now.
  func pullFrames() throws -> [Frame] { Frame.all(in: try pull()) }

  // MARK: Streams

  @discardableResult
  func open(_ head: HeaderBlock = .request(), body: [UInt8] = [], end: Bool = true) throws
    -> RecordedStream
  {
    let stream = RecordedStream()
    stream.outbound.append(contentsOf: body)
    streams.append(stream)
    let isEmpty = end && body.isEmpty
    try session.submitRequest(head, stream: stream, endOfStream: isEmpty)
    if end, !isEmpty { session.endOutbound(of: stream) }
    return stream
  }

  func answer(
    _ stream: RecordedStream, _ head: HeaderBlock = .response, body: [UInt8] = [],
    trailers: HeaderBlock? = .trailers
  ) throws {
    stream.outbound.append(contentsOf: body)
    try session.submitResponse(head, stream: stream)
    if let trailers { session.endOutbound(of: stream, trailers: trailers) }
  }

  func send(_ body: [UInt8], on stream: RecordedStream) {
    stream.outbound.append(contentsOf: body)
    session.resume(stream)
  }

  // MARK: SessionReceiver

  func makeStream() -> _HTTP2Stream? {
    if refusesStreams { return nil }
    let stream = RecordedStream()
    streams.append(stream)
    return stream
  }

  func receiveSettings() { events.append(.settings) }
  func receivePingAcknowledgement(_ opaque: UInt64) { events.append(.pingAcknowledgement(opaque)) }
  func receiveGoAway(lastStreamID: Int32, errorCode: UInt32, debugText: String) {
    events.append(
      .goAway(lastStreamID: lastStreamID, errorCode: errorCode, debugText: debugText))
  }
}

/// What came on one stream, in order.
final class RecordedStream: _HTTP2Stream, @unchecked Sendable {
  // `@unchecked Sendable` because a test uses it on one thread only.
  enum Event: Equatable {
    case field(String)
    case fieldsEnd(endOfStream: Bool, isTooLarge: Bool)
    /// DATA, however it was cut.
    case data([UInt8])
    case endOfStream
    case close(UInt32)
  }

  private(set) var events: [Event] = []
  private var untakenBytes = 0

  var fields: [String] {
    events.compactMap { if case .field(let field) = $0 { field } else { nil } }
  }
  var body: [UInt8] {
    events.flatMap { event -> [UInt8] in
      if case .data(let bytes) = event { bytes } else { [] }
    }
  }
  var closeCodes: [UInt32] {
    events.compactMap { if case .close(let code) = $0 { code } else { nil } }
  }

  /// Gives the window back for all that has come.
  func take(from session: HTTP2Session) {
    session.consume(untakenBytes, of: self)
    untakenBytes = 0
  }

  override func receiveField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    let name = unsafe String(decoding: name, as: UTF8.self)
    let value = unsafe String(decoding: value, as: UTF8.self)
    events.append(.field("\(name): \(value)"))
  }

  override func receiveFieldsEnd(endOfStream: Bool, isTooLarge: Bool) {
    events.append(.fieldsEnd(endOfStream: endOfStream, isTooLarge: isTooLarge))
  }

  override func receiveData(_ bytes: UnsafeRawBufferPointer) {
    untakenBytes += bytes.count
    let bytes = unsafe Array(bytes)
    if case .data(let before) = events.last {
      events[events.count - 1] = .data(before + bytes)
    } else {
      events.append(.data(bytes))
    }
  }

  override func receiveEndOfStream() { events.append(.endOfStream) }
  override func receiveClose(errorCode: UInt32) { events.append(.close(errorCode)) }
}

/// A client and a server wired to each other.
struct Pair {
  let client: Endpoint
  let server: Endpoint

  init(
    client: HTTP2Settings = HTTP2Settings(), server: HTTP2Settings = HTTP2Settings(),
    memory: SessionMemory? = nil
  ) throws {
    self.client = try Endpoint(.client, client, memory: memory)
    self.server = try Endpoint(.server, server, memory: memory)
  }

  /// Carries bytes to and fro until both sides are silent.
  ///
  /// - Parameters:
  ///   - pieceBytes: As much is fed at once; `nil`: all there is.
  ///   - bufferBytes: As much is pulled at once.
  /// - Returns: What each side has sent.
  @discardableResult
  func settle(pieceBytes: Int? = nil, bufferBytes: Int = 64 << 10) throws
    -> (client: [UInt8], server: [UInt8])
  {
    var sent: (client: [UInt8], server: [UInt8]) = ([], [])
    while true {
      let request = try client.pull(bufferBytes: bufferBytes)
      try feed(request, to: server, pieceBytes)
      let response = try server.pull(bufferBytes: bufferBytes)
      try feed(response, to: client, pieceBytes)
      if request.isEmpty, response.isEmpty { return sent }
      sent.client += request
      sent.server += response
    }
  }

  private func feed(_ bytes: [UInt8], to endpoint: Endpoint, _ pieceBytes: Int?) throws {
    let step = max(1, pieceBytes ?? bytes.count)
    for start in stride(from: 0, to: bytes.count, by: step) {
      try endpoint.receive(bytes[start..<min(start + step, bytes.count)])
    }
  }
}

extension HeaderBlock {
  convenience init(_ fields: KeyValuePairs<String, String>) { self.init(FieldBlock(fields)) }

  static func request(_ extra: KeyValuePairs<String, String> = [:]) -> HeaderBlock {
    HeaderBlock([
      FieldBlock([
        ":method": "POST", ":scheme": "http", ":path": "/echo.Echo/Say", ":authority": "test",
        "te": "trailers", "content-type": "application/grpc",
      ]),
      FieldBlock(extra),
    ])
  }

  static let response = HeaderBlock([":status": "200", "content-type": "application/grpc"])
  static let trailers = HeaderBlock(["grpc-status": "0"])
}

extension Frame {
  static let clientPreface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  /// The whole frames in what a session sent; the client's preface is skipped.
  static func all(in bytes: [UInt8]) -> [Frame] {
    var rest = bytes.starts(with: clientPreface) ? bytes.dropFirst(clientPreface.count) : bytes[...]
    var frames: [Frame] = []
    while rest.count >= 9 {
      let head = Array(rest.prefix(9))
      let count = head[..<3].reduce(0) { $0 << 8 | Int($1) }
      guard rest.count >= 9 + count else { break }
      let id = head[5...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      let payload = Array(rest.dropFirst(9).prefix(count))
      frames.append(Frame(Kind(head[3]), flags: Flags(rawValue: head[4]), on: id, payload))
      rest = rest.dropFirst(9 + count)
    }
    return frames
  }

  /// The value of a setting that the frame announces.
  func value(of setting: Setting) -> UInt32? {
    guard kind == .settings else { return nil }
    return stride(from: 0, to: payload.count, by: 6).first {
      UInt16(payload[$0]) << 8 | UInt16(payload[$0 + 1]) == setting.number
    }.map { number(at: $0 + 2) }
  }
}

func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) } }
