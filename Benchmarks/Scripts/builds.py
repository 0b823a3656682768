"""What programs on Tern weigh, and how long they take to build from nothing.

Packages in a temporary folder, as users have them: they depend on this repository by its path.
"""
import contextlib
import pathlib
import resource
import shutil
import tempfile
import time

from harness import BENCHMARKS, pinned, progress, run
from tables import Table

TOP = BENCHMARKS.parent
GENERATED = TOP / "Examples/Generated"
LOGGING = '.package(url: "https://github.com/apple/swift-log.git", from: "1.6.0")'
PROTOBUF = '.package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0")'

GREETER = """
import Tern

struct Greeter: Greet_Greeter.Service {
  func sayHello(
    _ request: Greet_HelloRequest, context: ServerContext
  ) async throws -> Greet_HelloReply {
    .with { $0.message = "Hello, \\(request.name)!" }
  }
}
"""
SERVE_GREETER = """
import Tern

let server = GRPCServer(services: [Greeter()])
try await server.run(on: .tcp("localhost", 50051), credentials: .insecure) {
  print("Listening on \\($0)")
}
"""
# What a service weighs before it has an RPC library.
WITHOUT_RPC = """
import Logging
import SwiftProtobuf

let logger = Logger(label: "greeter", factory: { StreamLogHandler.standardError(label: $0) })
let request = try Greet_HelloRequest(serializedBytes: Array(CommandLine.arguments[0].utf8))
let reply = Greet_HelloReply.with { $0.message = "Hello, \\(request.name)!" }
let bytes: [UInt8] = try reply.serializedBytes()
logger.info("Greeted.", metadata: ["bytes": "\\(bytes.count)"])
"""
PLAIN_BYTES = """
import TernRuntime

struct Echo: RPCService {
  static let unary = RPCMethod<[UInt8], [UInt8]>(
    MethodDescriptor(service: "bench.Echo", method: "Unary", kind: .unary),
    requestCodec: .bytes, responseCodec: .bytes)

  var serverMethods: [ServerMethod] {
    [.unary(Self.unary) { request, _ in request }]
  }
}

try await GRPCServer(services: [Echo()]).run(
  on: .tcp("localhost", 50051), credentials: .insecure)
"""


def manifest(dependencies, products, plugins=""):
    return f"""// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "greeter",
  dependencies: [{", ".join(dependencies)}],
  targets: [
    .executableTarget(
      name: "greeter",
      dependencies: [{", ".join(f'.product(name: "{name}", package: "{package}")'
                                for name, package in products)}]{plugins})
  ]
)
"""


def tern(product):
    return [f'.package(name: "tern", path: "{TOP}")'], [(product, "tern")]


@contextlib.contextmanager
def package(manifest_text, files):
    """A folder with a package, whose sources are texts or files to copy."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        sources = folder / "Sources/greeter"
        sources.mkdir(parents=True)
        (folder / "Package.swift").write_text(manifest_text)
        for name, content in files.items():
            if isinstance(content, pathlib.Path):
                shutil.copy(content, sources / name)
            else:
                (sources / name).write_text(content)
        yield folder


# Sizes

RELEASE = ["swift", "build", "-c", "release", "--static-swift-stdlib"]


def stripped_megabytes(binary):
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / "stripped"
        run(["strip", "-o", stripped, binary])
        return stripped.stat().st_size / 1e6


def bin_path(build):
    return pathlib.Path(run([*build, "--show-bin-path"]).split()[-1])


def size_of_package(manifest_text, files):
    with package(manifest_text, files) as folder:
        build = [*RELEASE, "--package-path", folder]
        run(build)
        binaries = bin_path(build)
        return stripped_megabytes(binaries / "greeter")


def sizes(_):
    progress("Building for sizes")
    build = [*RELEASE, "--package-path", TOP, "--scratch-path", TOP / ".build-static"]
    run([*build, "--product", "greeter-server"])
    binaries = bin_path(build)
    greeter = stripped_megabytes(binaries / "greeter-server")
    bare = size_of_package(
        manifest([LOGGING, PROTOBUF],
                 [("Logging", "swift-log"), ("SwiftProtobuf", "swift-protobuf")]),
        {"main.swift": WITHOUT_RPC, "greet.pb.swift": GENERATED / "greet.pb.swift"})
    plain = size_of_package(manifest(*tern("TernRuntime")), {"main.swift": PLAIN_BYTES})
    table = Table(
        "Sizes of stripped programs with Swift's runtime linked in, release, MB (10^6 bytes):",
        ["program"])
    table.row(["Greeter's server"], [greeter])
    table.row(["its messages and a log alone, on SwiftProtobuf and swift-log"], [bare])
    table.row(["what Tern adds to them"], [greeter - bare], 3)
    table.row(["server of plain bytes on TernRuntime, whole"], [plain], 10)
    return table


# Times


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def seconds_to_build(manifest_text, files, cores):
    """By the clock, and of CPU, which a busy machine makes longer by less."""
    with package(manifest_text, files) as folder:
        # Sources of the dependencies come over the network, or from SwiftPM's cache.
        run(["swift", "package", "resolve", "--package-path", folder])
        began, cpu_began = time.monotonic(), cpu_of_children()
        run(["swift", "build", "--jobs", "2", "--package-path", folder],
            preexec_fn=pinned(cores))
        return time.monotonic() - began, cpu_of_children() - cpu_began


def build_times(options):
    table = Table(
        "Clean debug builds of the Greeter's server with all it depends on, two cores, sources "
        "fetched before; seconds:", ["package", "of"])
    common = {"main.swift": SERVE_GREETER, "Greeter.swift": GREETER}
    written = {name: GENERATED / name for name in ("greet.pb.swift", "greet.tern.swift")}
    plugin = ',\n      plugins: [.plugin(name: "TernPlugin", package: "tern")]'
    shapes = {
        "generated code in the package": (manifest(*tern("Tern")), {**common, **written}, 60),
        "with the plug-in, which is built as well": (
            manifest(*tern("Tern"), plugin),
            {**common, "greet.proto": TOP / "Examples/Protos/greet.proto"}, 90),
    }
    cores = set(options.server_cores[:2])
    for name, (text, files, target) in shapes.items():
        progress(f"Building {name}")
        values = [seconds_to_build(text, files, cores) for _ in range(1 if options.quick else 3)]
        table.row([name, "the clock"], [seconds for seconds, _ in values], target)
        table.row([name, "CPU"], [cpu for _, cpu in values])
    return table
