public import SwiftProtobuf
public import TernCore

// Spec: W58 (PROTOCOL-HTTP2, Status-Details)
extension RPCError {
  /// An error with messages for programs beside the text for people.
  ///
  /// ```swift
  /// throw RPCError(
  ///   .invalidArgument, "The name is empty.",
  ///   details: [BadRequest.with { $0.fieldViolations = [.with { $0.field = "name" }] }])
  /// ```
  ///
  /// Any message will do; the usual ones are in the module `TernErrorDetails`. A
  /// `Google_Protobuf_Any` goes as it is. One that cannot be encoded, because a required field is not
  /// set, is left out, and the message says so.
  ///
  /// ``detailsBytes`` repeats `code` and `message`, as gRPC wants it: some clients do not accept
  /// details that disagree. So make a new error rather than change these two in one with details.
  public init(
    _ code: StatusCode, _ message: String = "", details: [any SwiftProtobuf.Message],
    metadata: Metadata = [:], cause: (any Error)? = nil, origin: Origin = .caller
  ) {
    var packed: [Google_Protobuf_Any] = []
    var notes = ""
    for detail in details {
      do {
        packed.append(try pack(detail))
      } catch {
        notes += "(A '\(type(of: detail).protoMessageName)' left out: it cannot be encoded.) "
      }
    }
    // The notes stand in front, where they are not cut off.
    self.init(code, notes + message, metadata: metadata, cause: cause, origin: origin)
    if packed.isEmpty { return }
    do {
      let status = Google_Rpc_Status.with {
        $0.code = Int32(code.rawValue)
        $0.message = self.message
        $0.details = packed
      }
      detailsBytes = try status.serializedBytes()
    } catch {
      self.message = "(The details left out: \(error)) " + self.message
    }
  }

  /// All details, as they were sent; empty if there are none.
  ///
  /// - Throws: An error with the code `INTERNAL` if ``detailsBytes`` cannot be read.
  public var details: [Google_Protobuf_Any] {
    get throws(RPCError) {
      if detailsBytes.isEmpty { return [] }
      do {
        return try Google_Rpc_Status(serializedBytes: detailsBytes).details
      } catch {
        throw unreadable(Google_Rpc_Status.self, byteCount: detailsBytes.count, cause: error)
      }
    }
  }

  /// The details of one type, mostly one or none.
  ///
  /// ```swift
  /// for violation in try error.details(of: BadRequest.self).flatMap(\.fieldViolations) { … }
  /// ```
  ///
  /// - Throws: An error with the code `INTERNAL` if ``detailsBytes`` or a detail of this type cannot
  ///   be read.
  public func details<Detail: SwiftProtobuf.Message>(
    of type: Detail.Type
  ) throws(RPCError) -> [Detail] {
    var result: [Detail] = []
    for packed in try details where packed.isA(type) {
      result.append(try unpack(packed, as: type))
    }
    return result
  }

  /// The details of several types, in the order in which they were sent; those of others are left
  /// out.
  ///
  /// ```swift
  /// for detail in try error.details(of: [BadRequest.self, RetryInfo.self]) {
  ///   switch detail {
  ///   case let request as BadRequest: …
  ///   case let retry as RetryInfo: …
  ///   default: break
  ///   }
  /// }
  /// ```
  ///
  /// - Throws: An error with the code `INTERNAL` if ``detailsBytes`` or a detail of these types cannot
  ///   be read.
  public func details(
    of types: [any SwiftProtobuf.Message.Type]
  ) throws(RPCError) -> [any SwiftProtobuf.Message] {
    var result: [any SwiftProtobuf.Message] = []
    for packed in try details {
      guard let type = types.first(where: { packed.isA($0) }) else { continue }
      result.append(try unpack(packed, as: type))
    }
    return result
  }

  private func unpack<Detail: SwiftProtobuf.Message>(
    _ packed: Google_Protobuf_Any, as type: Detail.Type
  ) throws(RPCError) -> Detail {
    do {
      return try Detail(unpackingAny: packed)
    } catch {
      throw unreadable(type, byteCount: packed.value.count, cause: error)
    }
  }

  private func unreadable(
    _ type: any SwiftProtobuf.Message.Type, byteCount: Int, cause: any Error
  ) -> RPCError {
    RPCError(
      .internal,
      "An error came with details that cannot be read: these \(byteCount) bytes are not a "
        + "'\(type.protoMessageName)'. The error itself: \(self)",
      cause: cause, origin: origin)
  }
}

private func pack(_ detail: any SwiftProtobuf.Message) throws -> Google_Protobuf_Any {
  if let packed = detail as? Google_Protobuf_Any { return packed }
  return try Google_Protobuf_Any(message: detail)
}
