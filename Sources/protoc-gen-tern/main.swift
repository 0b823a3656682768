// The plug-in for protoc: reads a request from the standard input, writes the generated files, or
// an error for protoc to print, to the standard output.
internal import SwiftProtobuf
internal import SwiftProtobufPluginLibrary
internal import TernCodegen
internal import TernCore

if CommandLine.arguments.contains("--version") {
  let messages = SwiftProtobuf.Version.versionString
  print("protoc-gen-tern \(TernVersion.text) (SwiftProtobuf \(messages))")
} else {
  TernGenerator.main()
}
