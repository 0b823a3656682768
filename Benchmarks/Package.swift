// swift-tools-version: 6.2
import PackageDescription

// A package of its own: who depends on Tern neither builds nor resolves it.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
  name: "tern-benchmarks",
  dependencies: [
    .package(name: "tern", path: ".."),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0"),
  ],
  targets: [
    // Scripts/generate writes it.
    .target(
      name: "BenchProtos",
      dependencies: [
        .product(name: "Tern", package: "tern"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "bench-server",
      dependencies: [
        "BenchProtos",
        .product(name: "Tern", package: "tern"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "bench-client",
      dependencies: ["BenchProtos", .product(name: "Tern", package: "tern")],
      swiftSettings: settings),
  ]
)
