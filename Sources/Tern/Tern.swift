// What users import. Everything else is reached through it.
@_exported public import TernProtobuf
@_exported public import TernRuntime
// For 'with' and the like of messages, which belong to this protocol.
@_exported public import protocol SwiftProtobuf.Message
