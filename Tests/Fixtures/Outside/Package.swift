// swift-tools-version: 6.2
import PackageDescription

// A package of somebody else's. Scripts/check-outside copies it out of the repository, puts .proto
// files beside the sources, and says where Tern is.
let ternPath = Context.environment["TERN_PATH"]!
let ternPackage = ternPath.split(separator: "/").last.map { String($0) }!

let tern: [Target.Dependency] = [.product(name: "Tern", package: ternPackage)]
let plugins: [Target.PluginUsage] = [.plugin(name: "TernPlugin", package: ternPackage)]

let upcoming: [SwiftSetting] = [
  "ExistentialAny", "ImmutableWeakCaptures", "InferIsolatedConformances",
  "InternalImportsByDefault",
  "MemberImportVisibility", "NonisolatedNonsendingByDefault",
].map { .enableUpcomingFeature($0) }

/// One target each, for internal and for public code: all of it has to compile, without a warning.
let modes: [(name: String, settings: [SwiftSetting])] = [
  ("Swift5", [.swiftLanguageMode(.v5)]),
  ("Swift6", [.swiftLanguageMode(.v6)]),
  ("MainActor", [.swiftLanguageMode(.v6), .defaultIsolation(MainActor.self)]),
  ("Upcoming", [.swiftLanguageMode(.v6), .strictMemorySafety()] + upcoming),
  ("UpcomingMainActor", [.swiftLanguageMode(.v6), .defaultIsolation(MainActor.self)] + upcoming),
]

let package = Package(
  name: "outside",
  dependencies: [
    .package(path: ternPath),
    .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0"),
  ],
  targets: [
    .executableTarget(name: "Greeter", dependencies: tern, plugins: plugins),
    .executableTarget(
      name: "BytesOnly", dependencies: [.product(name: "TernRuntime", package: ternPackage)]),
    .executableTarget(
      name: "ProtobufOnly",
      dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")]),
  ]
    + modes.flatMap { mode in
      ["Internal", "Public"].map { visibility in
        .target(
          name: mode.name + visibility, dependencies: tern, swiftSettings: mode.settings,
          plugins: plugins)
      }
    }
)
