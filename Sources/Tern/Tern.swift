// What users import. Everything else is reached through it.
@_exported public import TernProtobuf
@_exported public import TernRuntime
