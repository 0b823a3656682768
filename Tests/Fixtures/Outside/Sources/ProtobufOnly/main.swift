// Links what SwiftProtobuf brings, and nothing of ours: what a program with Tern may link, too.
import SwiftProtobuf

let message = try Google_Protobuf_StringValue(serializedBytes: [0x0A, 2, 0x68, 0x69] as [UInt8])
print(message.value)
