import SwiftProtobuf
import TernCore
import Testing

@testable import TernProtobuf

// Spec: W58 (PROTOCOL-HTTP2, Status-Details)
@Suite("Details of errors")
struct RPCErrorDetailsTests {
  private let text = Google_Protobuf_StringValue("text")
  private let number = Google_Protobuf_Int32Value(7)
  private var error: RPCError { RPCError(.notFound, "No such user.", details: [text, number]) }
  /// Its two fields are `required`.
  private let incomplete = Google_Protobuf_UninterpretedOption.NamePart()

  @Test("Messages of any type come back by their type")
  func roundTrip() throws {
    #expect(try error.details(of: Google_Protobuf_StringValue.self) == [text])
    #expect(try error.details(of: Google_Protobuf_Int32Value.self) == [number])
    #expect(try error.details(of: Google_Protobuf_BoolValue.self).isEmpty)
    #expect(
      try error.details.map(\.typeURL) == [
        "type.googleapis.com/google.protobuf.StringValue",
        "type.googleapis.com/google.protobuf.Int32Value",
      ])
  }

  @Test("Several of one type come back in their order")
  func several() throws {
    let texts: [Google_Protobuf_StringValue] = ["a", "", "b"]
    let error = RPCError(.aborted, details: texts)

    #expect(try error.details(of: Google_Protobuf_StringValue.self) == texts)
  }

  @Test("Several types come back in the order in which they were sent, without the others")
  func severalTypes() throws {
    let error = RPCError(
      .aborted, details: [number, text, Google_Protobuf_BoolValue(true), number])
    let types: [any Message.Type] = [
      Google_Protobuf_StringValue.self, Google_Protobuf_Int32Value.self,
    ]

    let details = try error.details(of: types)

    #expect(details.count == 3)
    #expect(details[0] as? Google_Protobuf_Int32Value == number)
    #expect(details[1] as? Google_Protobuf_StringValue == text)
    #expect(details[2] as? Google_Protobuf_Int32Value == number)
  }

  @Test("The encoded status has the error's code and message")
  func agreement() throws {
    let status = try Google_Rpc_Status(serializedBytes: error.detailsBytes)

    #expect(status.code == 5)
    #expect(status.message == "No such user.")
    #expect(status.details.count == 2)
  }

  @Test("The other properties are kept")
  func otherProperties() {
    let error = RPCError(
      .aborted, "m", details: [text], metadata: ["a": "b"], cause: CancellationError(),
      origin: .library)

    #expect(error.metadata == ["a": "b"])
    #expect(error.cause is CancellationError)
    #expect(error.origin == .library)
    #expect(error.status == Status(.aborted, "m", detailsBytes: error.detailsBytes))
  }

  @Test("An error without details has no bytes, and none to read")
  func none() throws {
    #expect(RPCError(.aborted, "m", details: []).detailsBytes.isEmpty)
    #expect(try RPCError(.aborted).details.isEmpty)
    #expect(try RPCError(.aborted).details(of: Google_Protobuf_StringValue.self).isEmpty)
  }

  @Test("What is packed already goes as it is")
  func packed() throws {
    let packed = try Google_Protobuf_Any(message: text, typePrefix: "types.example")

    let error = RPCError(.aborted, details: [packed])

    #expect(try error.details.map(\.typeURL) == ["types.example/google.protobuf.StringValue"])
    #expect(try error.details(of: Google_Protobuf_StringValue.self) == [text])
  }

  @Test("A detail that cannot be encoded is left out, and the message says so in both places")
  func unencodable() throws {
    let error = RPCError(.aborted, "m", details: [incomplete, text])

    let name = "google.protobuf.UninterpretedOption.NamePart"
    #expect(error.message == "(A '\(name)' left out: it cannot be encoded.) m")
    #expect(try Google_Rpc_Status(serializedBytes: error.detailsBytes).message == error.message)
    #expect(try error.details(of: Google_Protobuf_StringValue.self) == [text])
    #expect(RPCError(.aborted, "m", details: [incomplete]).detailsBytes.isEmpty)
  }

  @Test("A packed detail that cannot be encoded is no trap, but a note")
  func unencodablePacked() throws {
    // JSON of a type that nobody has registered has no binary form.
    let packed = try Google_Protobuf_Any(jsonString: #"{"@type": "a.b/c.D", "e": 1}"#)

    let error = RPCError(.aborted, "m", details: [packed])

    #expect(error.detailsBytes.isEmpty)
    #expect(error.message.hasPrefix("(The details left out: "))
    #expect(error.message.hasSuffix(") m"))
  }

  @Test(
    "Bytes that are no status are INTERNAL, with their count and the error itself in the text",
    arguments: [[0x0A], [0x1A, 5, 0], [0xFF, 0xFF, 0xFF], [0x12, 1, 0xFF]] as [[UInt8]])
  func malformedStatus(bytes: [UInt8]) throws {
    let error = RPCError(.notFound, "No such user.", detailsBytes: bytes, origin: .peer)

    let problem = try #require(throws: RPCError.self) { try error.details }

    #expect(problem.code == .internal)
    #expect(problem.origin == .peer)
    #expect(problem.message.contains("these \(bytes.count) bytes are not a 'google.rpc.Status'"))
    #expect(problem.message.contains("NOT_FOUND: No such user."))
    #expect(problem.cause != nil)
    #expect(throws: RPCError.self) { try error.details(of: Google_Protobuf_StringValue.self) }
  }

  @Test("A malformed detail fails alone: those of other types can be read")
  func malformedDetail() throws {
    let malformed = Google_Protobuf_Any.with {
      $0.typeURL = "type.googleapis.com/google.protobuf.StringValue"
      $0.value.append(contentsOf: [0x0A, 5])
    }
    let error = RPCError(.aborted, details: [malformed, number])

    let problem = try #require(throws: RPCError.self) {
      try error.details(of: Google_Protobuf_StringValue.self)
    }

    #expect(problem.message.contains("these 2 bytes are not a 'google.protobuf.StringValue'"))
    #expect(try error.details(of: Google_Protobuf_Int32Value.self) == [number])
    #expect(try error.details.count == 2)
  }

  @Test("Whatever byte is changed and wherever it is cut: it is read or refused")
  func noTrap() {
    let bytes = error.detailsBytes
    for index in bytes.indices {
      tryToRead(Array(bytes[..<index]))
      for value in UInt8.min...UInt8.max {
        var changed = bytes
        changed[index] = value
        tryToRead(changed)
      }
    }
  }

  private func tryToRead(_ bytes: [UInt8]) {
    let error = RPCError(.aborted, detailsBytes: bytes)
    do {
      _ = try error.details(of: [
        Google_Protobuf_StringValue.self, Google_Protobuf_Int32Value.self,
      ])
    } catch {
      #expect(error.code == .internal)
    }
  }
}
