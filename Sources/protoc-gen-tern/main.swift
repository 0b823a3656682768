// The plug-in for protoc: reads a request from the standard input, writes the generated files, or
// an error for protoc to print, to the standard output.
import SwiftProtobufPluginLibrary
import TernCodegen

TernGenerator.main()
