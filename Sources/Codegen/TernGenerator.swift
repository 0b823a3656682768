package import SwiftProtobuf
package import SwiftProtobufPluginLibrary

/// Turns the services of `.proto` files into Swift: one file `NAME.tern.swift` for each.
///
/// A file without services gets one too, with only a comment in it: build systems want to know
/// beforehand what will be written.
package struct TernGenerator: CodeGenerator {
  package init() {}

  package func generate(
    files: [FileDescriptor], parameter: any CodeGeneratorParameter,
    protoCompilerContext: any ProtoCompilerContext, generatorOutputs: any GeneratorOutputs
  ) throws {
    let options = try GeneratorOptions(parameter.parsedPairs)
    for file in files {
      try generatorOutputs.add(
        fileName: options.fileNaming.outputName(of: file.name),
        contents: FileGenerator(file, options).text())
    }
  }

  package var supportedFeatures: [Google_Protobuf_Compiler_CodeGeneratorResponse.Feature] {
    [.proto3Optional, .supportsEditions]
  }

  package var supportedEditionRange: ClosedRange<Google_Protobuf_Edition> {
    DescriptorSet.bundledEditionsSupport
  }
}

/// Why nothing was generated, in a sentence for the person who ran protoc.
package struct GeneratorError: Error, Equatable, CustomStringConvertible {
  package var description: String

  init(_ description: String) { self.description = description }
}
