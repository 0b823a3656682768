// swift-tools-version: 6.2
import PackageDescription

// The layers, lowest first. A row may name only rows above it: SwiftPM forbids cycles, and
// Scripts/check-layers holds each `import` against this table.
// Folder names are layers; module names carry the prefix, so that `HTTP2` cannot collide with
// a module of the user's.
struct Layer {
  enum Kind { case library, program, test }
  var name: String
  var dependencies: [String]
  var kind: Kind
  /// Where it lies, if not in the folder of its name below that of its kind.
  var path: String?

  init(
    _ name: String, _ dependencies: [String] = [], kind: Kind = .library, path: String? = nil
  ) {
    self.name = name
    self.dependencies = dependencies
    self.kind = kind
    self.path = path
  }
}

let layers: [Layer] = [
  Layer("Bytes"),
  Layer("Core", ["Bytes"]),
  Layer("EventLoop", ["Bytes", "CLinux"]),
  Layer("TLS", ["Bytes", "Core", "COpenSSL"]),
  Layer("HTTP2", ["Bytes", "CNghttp2"]),
  Layer("Wire", ["Bytes", "Core", "CZlib"]),
  Layer("Transport", ["Bytes", "Core", "EventLoop", "TLS", "HTTP2", "Wire", "Logging"]),
  Layer("Server", ["Bytes", "Core", "EventLoop", "Wire", "Transport", "Logging"]),
  Layer("Client", ["Bytes", "Core", "EventLoop", "Wire", "Transport", "Logging"]),
  Layer("Protobuf", ["Bytes", "Core", "SwiftProtobuf"]),
  Layer("ErrorDetails", ["Core", "Protobuf", "SwiftProtobuf"]),
  Layer("TernRuntime", ["Bytes", "Core", "EventLoop", "Transport", "Server", "Client"]),
  Layer("Tern", ["TernRuntime", "Protobuf", "SwiftProtobuf"]),
  Layer("Testing", ["Core", "EventLoop", "Server", "Client"]),
  Layer("Codegen", ["SwiftProtobuf", "SwiftProtobufPluginLibrary"]),
  Layer(
    "protoc-gen-tern", ["Core", "Codegen", "SwiftProtobuf", "SwiftProtobufPluginLibrary"],
    kind: .program),

  Layer("TestSupport", ["CNghttp2"], path: "Tests/Support"),
  Layer("BytesTests", ["Bytes", "TestSupport"], kind: .test),
  Layer("SupportTests", ["TestSupport"], kind: .test),
  Layer("CoreTests", ["Bytes", "Core"], kind: .test),
  Layer("WireTests", ["Bytes", "Core", "Wire", "TestSupport"], kind: .test),
  Layer("EventLoopTests", ["EventLoop", "CLinux", "TestSupport"], kind: .test),
  Layer("TLSTests", ["Bytes", "Core", "TLS", "COpenSSL", "TestSupport"], kind: .test),
  Layer("HTTP2Tests", ["Bytes", "HTTP2", "CNghttp2", "TestSupport"], kind: .test),
  Layer(
    "TransportTests",
    [
      "Bytes", "Core", "EventLoop", "HTTP2", "Wire", "Transport", "Server", "Client", "Logging",
      "TestSupport",
    ],
    kind: .test),
  Layer(
    "ServerTests",
    ["Bytes", "Core", "EventLoop", "Transport", "Server", "Logging", "TestSupport"], kind: .test),
  Layer("ClientTests", ["Core", "EventLoop", "Transport", "Client", "TestSupport"], kind: .test),
  Layer("ProtobufTests", ["Bytes", "Core", "Protobuf", "SwiftProtobuf"], kind: .test),
  Layer("ErrorDetailsTests", ["Core", "Protobuf", "ErrorDetails", "SwiftProtobuf"], kind: .test),
  Layer(
    "InteropTests",
    [
      "Tern", "TestSupport", "ExampleProtos", "GreeterService", "NumbersService", "SumService",
      "ChatService", "InteropCases", "InteropProtos", "InteropHostile", "InteropFlags",
      "ErrorDetails", "SwiftProtobuf",
    ], kind: .test),
  Layer("ExampleTests", ["TestSupport"], kind: .test),
  Layer(
    "TestingTests", ["Tern", "TernRuntime", "Core", "EventLoop", "Testing", "TestSupport"],
    kind: .test),
  Layer(
    "RouteTests",
    [
      "Tern", "TernRuntime", "Logging", "Bytes", "Core", "EventLoop", "TLS", "Transport", "Server",
      "Client", "TestSupport", "ErrorDetails", "SwiftProtobuf",
    ], kind: .test),
  Layer(
    "CodegenTests", ["Codegen", "SwiftProtobuf", "SwiftProtobufPluginLibrary"], kind: .test),
]

/// An example: its service as a library, since more than one server has it, a server and a client.
func example(_ folder: String, _ program: String) -> [Layer] {
  let path = "Examples/\(folder)"
  return [
    Layer("\(folder)Service", ["Tern", "ExampleProtos"], path: "\(path)/Service"),
    Layer(
      "\(program)-server", ["Tern", "\(folder)Service", "ExampleSupport"], kind: .program,
      path: "\(path)/Server"),
    Layer(
      "\(program)-client", ["Tern", "ExampleProtos", "ExampleSupport"], kind: .program,
      path: "\(path)/Client"),
  ]
}

/// A lesson: server and client in one program, as one file to read.
func lesson(_ folder: String, _ program: String, _ more: [String] = []) -> Layer {
  Layer(
    program, ["Tern", "ExampleProtos", "GreeterService"] + more, kind: .program,
    path: "Examples/\(folder)")
}

/// Above the layers: they use `Tern` as anybody does. Their modules have no prefix.
let examples: [Layer] =
  [
    // Scripts/generate writes it.
    Layer("ExampleProtos", ["Tern", "SwiftProtobuf"], path: "Examples/Generated"),
    Layer("ExampleSupport", ["Tern"], path: "Examples/Support"),
    Layer(
      "examples-server",
      ["Tern", "GreeterService", "NumbersService", "SumService", "ChatService", "ExampleSupport"],
      kind: .program, path: "Examples/All"),
  ]
  + [
    lesson("TLS", "tls-example"), lesson("MutualTLS", "mutual-tls-example"),
    lesson("CallCredentials", "call-credentials-example"),
    lesson("Compression", "compression-example"),
    lesson("RichErrors", "rich-errors-example", ["ErrorDetails"]),
    lesson("Interceptors", "interceptors-example", ["Logging"]),
    lesson("Deadlines", "deadlines-example"), lesson("Cancellation", "cancellation-example"),
    lesson("Metadata", "metadata-example"),
    Layer(
      "TestingExample", ["Tern", "Testing", "ExampleProtos", "GreeterService"], kind: .test,
      path: "Examples/Testing"),
  ]
  + example("Greeter", "greeter") + example("Numbers", "number") + example("Sum", "sum")
  + example("Chat", "chat")

/// gRPC's interoperability tests: the service and the cases, for whatever program or test runs them.
let interop: [Layer] = [
  // Scripts/generate writes it.
  Layer("InteropProtos", ["Tern", "SwiftProtobuf"], path: "Interop/Generated"),
  Layer("InteropCases", ["Tern", "InteropProtos", "SwiftProtobuf"], path: "Interop/Cases"),
  // A server that is wrong on purpose, in frames that Tern has not written.
  Layer(
    "InteropHostile", ["TestSupport", "InteropProtos", "SwiftProtobuf"], path: "Interop/Hostile"),
  Layer("InteropFlags", path: "Interop/Flags"),
  Layer(
    "tern-interop-client", ["Tern", "InteropCases", "InteropFlags"], kind: .program,
    path: "Interop/Client"),
  Layer(
    "tern-interop-server", ["Tern", "InteropCases", "InteropFlags"], kind: .program,
    path: "Interop/Server"),
  Layer(
    "tern-interop-hostile-server", ["InteropFlags", "InteropHostile"], kind: .program,
    path: "Interop/HostileServer"),
]

/// Benchmarks that need what tests need. The others are a package of their own.
let benchmarks: [Layer] = [
  Layer("long-link", ["Tern", "TestSupport"], kind: .program, path: "Benchmarks/long-link")
]

/// Layers whose module is named as the folder; all others get the prefix.
let unprefixed: Set = ["Tern", "TernRuntime", "protoc-gen-tern", "TestSupport"]
let external: [String: Target.Dependency] = [
  "Logging": .product(name: "Logging", package: "swift-log"),
  "SwiftProtobuf": .product(name: "SwiftProtobuf", package: "swift-protobuf"),
  "SwiftProtobufPluginLibrary": .product(
    name: "SwiftProtobufPluginLibrary", package: "swift-protobuf"),
  "CLinux": "CLinux",
  "CNghttp2": "CNghttp2",
  "COpenSSL": "COpenSSL",
  "CZlib": "CZlib",
]

func moduleName(_ layer: String) -> String {
  let isLibrary = layers.contains { $0.name == layer && $0.kind == .library }
  return isLibrary && !unprefixed.contains(layer) ? "Tern" + layer : layer
}

/// Scripts/check-warnings sets TERN_STRICT. Not for users, whose compiler may be newer and warn of
/// more.
let strict: [SwiftSetting] =
  Context.environment["TERN_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)]

let settings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  ] + strict

func target(_ layer: Layer) -> Target {
  let dependencies = layer.dependencies.map { external[$0] ?? .byName(name: moduleName($0)) }
  let name = moduleName(layer.name)
  // SwiftProtobuf's generator does not write `unsafe` where messages are kept on the heap.
  let isGenerated = name == "InteropProtos"
  let settings = settings + (isGenerated ? [] : [.strictMemorySafety()])
  let path = layer.path ?? (layer.kind == .test ? "Tests" : "Sources") + "/\(layer.name)"
  switch layer.kind {
  case .library:
    return .target(
      name: name, dependencies: dependencies, path: path, swiftSettings: settings)
  case .program:
    return .executableTarget(
      name: name, dependencies: dependencies, path: path, swiftSettings: settings)
  case .test:
    return .testTarget(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
  }
}

let package = Package(
  name: "tern",
  products: [
    .library(name: "Tern", targets: ["Tern"]),
    // Without Protobuf, and so without Foundation.
    .library(name: "TernRuntime", targets: ["TernRuntime"]),
    // The usual messages for details of errors, beside Tern.
    .library(name: "TernErrorDetails", targets: ["TernErrorDetails"]),
    // For users' tests: a server and its clients without sockets.
    .library(name: "TernTesting", targets: ["TernTesting"]),
    .executable(name: "protoc-gen-tern", targets: ["protoc-gen-tern"]),
    .plugin(name: "TernPlugin", targets: ["TernPlugin"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0"),
  ],
  targets: [
    .plugin(
      name: "TernPlugin", capability: .buildTool(),
      dependencies: [
        "protoc-gen-tern", .product(name: "protoc-gen-swift", package: "swift-protobuf"),
      ]),
    .target(name: "CLinux", path: "CShims/CLinux"),
    .systemLibrary(
      name: "CNghttp2", path: "CShims/CNghttp2", pkgConfig: "libnghttp2",
      providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(
      name: "COpenSSL", path: "CShims/COpenSSL", pkgConfig: "openssl",
      providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CZlib", path: "CShims/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  ] + (layers + examples + interop + benchmarks).map(target)
)
