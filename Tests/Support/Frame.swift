/// One HTTP/2 frame, built and read by hand: independent of the library that the code under test
/// uses, and free to be wrong.
///
/// Source: RFC 9113, section 4.1 and 6
package struct Frame: Sendable, Hashable {
  package typealias StreamID = UInt32

  package struct Kind: Sendable, Hashable {
    package var number: UInt8
    package init(_ number: UInt8) { self.number = number }

    package static let data = Kind(0)
    package static let headers = Kind(1)
    package static let priority = Kind(2)
    package static let reset = Kind(3)
    package static let settings = Kind(4)
    package static let pushPromise = Kind(5)
    package static let ping = Kind(6)
    package static let goAway = Kind(7)
    package static let windowUpdate = Kind(8)
    package static let continuation = Kind(9)
  }

  package struct Flags: OptionSet, Sendable, Hashable {
    package var rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let acknowledge = Flags(rawValue: 0x1)
    package static let endStream = Flags(rawValue: 0x1)
    package static let endHeaders = Flags(rawValue: 0x4)
    package static let padded = Flags(rawValue: 0x8)
    package static let priority = Flags(rawValue: 0x20)
  }

  package var kind: Kind
  package var flags: Flags
  package var streamID: StreamID
  package var payload: [UInt8]
  /// What the frame says its length is; `nil`: the truth.
  package var announcedBytes: Int?

  package init(
    _ kind: Kind, flags: Flags = [], on streamID: StreamID = 0, _ payload: [UInt8] = [],
    announcing announcedBytes: Int? = nil
  ) {
    self.kind = kind
    self.flags = flags
    self.streamID = streamID
    self.payload = payload
    self.announcedBytes = announcedBytes
  }

  /// The frame as it travels.
  package var encoded: [UInt8] {
    let length = UInt32(announcedBytes ?? payload.count)
    return bigEndian(length).dropFirst() + [kind.number, flags.rawValue]
      + bigEndian(streamID) + payload
  }

  // MARK: What is in it

  /// The code of a RST_STREAM or GOAWAY frame.
  package var errorCode: ErrorCode? {
    switch kind {
    case .reset where payload.count == 4: ErrorCode(number(at: 0))
    case .goAway where payload.count >= 8: ErrorCode(number(at: 4))
    default: nil
    }
  }

  /// The payload of a DATA or HEADERS frame without padding and priority.
  package var content: [UInt8] {
    var content = payload[...]
    if flags.contains(.padded), let count = content.popFirst() {
      content = content.dropLast(Int(count))
    }
    if kind == .headers, flags.contains(.priority) { content = content.dropFirst(5) }
    return Array(content)
  }

  /// Four bytes of the payload as a number; of fewer if it is too short, as a wrong peer may send it.
  package func number(at offset: Int) -> UInt32 {
    payload.dropFirst(offset).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }
}

extension Frame {
  package struct Setting: Sendable, Hashable {
    package var number: UInt16
    package init(_ number: UInt16) { self.number = number }

    package static let headerTableSize = Setting(1)
    package static let enablePush = Setting(2)
    package static let maxConcurrentStreams = Setting(3)
    package static let initialWindowSize = Setting(4)
    package static let maxFrameSize = Setting(5)
    package static let maxHeaderListSize = Setting(6)
  }

  package static func settings(_ values: KeyValuePairs<Setting, UInt32>) -> Frame {
    Frame(.settings, values.flatMap { bigEndian($0.key.number) + bigEndian($0.value) })
  }

  package static let settingsAcknowledgement = Frame(.settings, flags: .acknowledge)

  package static func headers(
    _ fields: [HeaderField], on streamID: StreamID = 1, endStream: Bool = false
  ) -> Frame {
    let flags: Flags = endStream ? [.endHeaders, .endStream] : .endHeaders
    return Frame(.headers, flags: flags, on: streamID, HeaderField.encode(fields))
  }

  package static func data(
    _ bytes: [UInt8], on streamID: StreamID = 1, endStream: Bool = false
  ) -> Frame {
    Frame(.data, flags: endStream ? .endStream : [], on: streamID, bytes)
  }

  /// A gRPC message, plain and whole, in a DATA frame of its own.
  package static func message(
    _ payload: [UInt8], on streamID: StreamID = 1, endStream: Bool = false
  ) -> Frame {
    data(prefixed(payload), on: streamID, endStream: endStream)
  }

  package static func reset(_ code: ErrorCode, on streamID: StreamID = 1) -> Frame {
    Frame(.reset, on: streamID, bigEndian(code.number))
  }

  package static func goAway(
    lastStreamID: StreamID, _ code: ErrorCode = .noError, debug: String = ""
  ) -> Frame {
    Frame(.goAway, bigEndian(lastStreamID) + bigEndian(code.number) + debug.utf8)
  }

  package static func ping(_ data: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]) -> Frame {
    Frame(.ping, data)
  }

  package static func windowUpdate(by bytes: UInt32, on streamID: StreamID = 0) -> Frame {
    Frame(.windowUpdate, on: streamID, bigEndian(bytes))
  }
}

extension Frame: CustomStringConvertible {
  private static let names = [
    "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
    "WINDOW_UPDATE", "CONTINUATION",
  ]

  /// `1 HEADERS 57 END_HEADERS`: stream, kind, length, flags or code.
  package var description: String {
    let known = Int(kind.number) < Self.names.count
    var words = ["\(streamID)", known ? Self.names[Int(kind.number)] : "TYPE_\(kind.number)"]
    words.append("\(announcedBytes ?? payload.count)")
    switch kind {
    case .settings, .ping: if flags.contains(.acknowledge) { words.append("ACK") }
    case .data, .headers:
      if flags.contains(.endStream) { words.append("END_STREAM") }
      if flags.contains(.endHeaders) { words.append("END_HEADERS") }
    default: if let errorCode { words.append("\(errorCode)") }
    }
    return words.joined(separator: " ")
  }
}

/// Why a stream or a connection ended. Source: RFC 9113, section 7
package struct ErrorCode: Sendable, Hashable, CustomStringConvertible {
  package var number: UInt32
  package init(_ number: UInt32) { self.number = number }

  package static let noError = ErrorCode(0)
  package static let protocolError = ErrorCode(1)
  package static let internalError = ErrorCode(2)
  package static let flowControlError = ErrorCode(3)
  package static let settingsTimeout = ErrorCode(4)
  package static let streamClosed = ErrorCode(5)
  package static let frameSizeError = ErrorCode(6)
  package static let refusedStream = ErrorCode(7)
  package static let cancel = ErrorCode(8)
  package static let compressionError = ErrorCode(9)
  package static let connectError = ErrorCode(10)
  package static let enhanceYourCalm = ErrorCode(11)
  package static let inadequateSecurity = ErrorCode(12)
  package static let http11Required = ErrorCode(13)

  private static let names = [
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
    "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
    "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
  ]

  package var description: String {
    Int(number) < Self.names.count ? Self.names[Int(number)] : "\(number)"
  }
}

/// A message behind its five-byte prefix.
package func prefixed(_ payload: [UInt8], flag: UInt8 = 0) -> [UInt8] {
  [flag] + bigEndian(UInt32(payload.count)) + payload
}

package func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  stride(from: value.bitWidth - 8, through: 0, by: -8).map {
    UInt8(truncatingIfNeeded: value >> $0)
  }
}
