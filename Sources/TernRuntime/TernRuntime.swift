// Tern without Protobuf, and so without Foundation: for messages of any other kind.
@_exported public import TernBytes
@_exported public import TernClient
@_exported public import TernCore
@_exported public import TernEventLoop
@_exported public import TernServer
@_exported public import TernTransport
