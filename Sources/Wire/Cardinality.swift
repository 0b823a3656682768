package import TernCore

/// The statuses of calls with too few, too many or unfinished messages.
package enum Cardinality {
  // Spec: W42 (statuscodes: cardinality violations)
  /// On a server: the request side ended without the one message of the call.
  package static let noRequest = Status(
    .unimplemented, "The method takes exactly one request message; the client sent none.")
  /// On a server: a further message came where one is allowed.
  package static let secondRequest = Status(
    .unimplemented, "The method takes exactly one request message; the client sent more.")
  /// On a client: the status is OK, but the one message of the call is missing.
  package static let noResponse = Status(
    .unimplemented, "The method gives exactly one response message; the server sent none.")
  /// On a client: a further message came where one is allowed.
  package static let secondResponse = Status(
    .unimplemented, "The method gives exactly one response message; the server sent more.")

  // Spec: W40 (statuscodes: end of stream inside a message)
  /// On a server: the request side ended inside a message.
  package static let cutOffRequest = Status(.internal, "The request ended inside a message.")
  /// On a client: the response side ended inside a message.
  package static let cutOffResponse = Status(.internal, "The response ended inside a message.")
}
