internal import SwiftProtobufPluginLibrary

/// Writes one service: a namespace with its methods' descriptors, the protocol for handlers, the
/// client.
struct ServiceGenerator {
  private struct Method {
    var descriptor: SwiftProtobufPluginLibrary.MethodDescriptor
    var name: String
    var request: String
    var response: String
  }

  private let service: ServiceDescriptor
  private let options: GeneratorOptions
  private let ours: String
  private let name: String
  private let methods: [Method]
  /// Messages that the namespace's own types would hide, by the names they get instead.
  private let aliases: [(name: String, message: String)]

  init(
    _ service: ServiceDescriptor, _ options: GeneratorOptions, _ namer: SwiftProtobufNamer,
    ours: String
  ) {
    self.service = service
    self.options = options
    self.ours = ours
    let name = SwiftNames.service(service.name, prefix: namer.typePrefix(forFile: service.file))
    var aliases: [(name: String, message: String)] = []
    func typeName(_ message: Descriptor) -> String {
      let fullName = namer.fullName(message: message)
      let path = fullName.split(separator: ".")
      guard ["Methods", "Service", "Client"].contains(path[0]) else { return fullName }
      let alias = "\(name)_\(path.joined(separator: "_"))"
      if !aliases.contains(where: { $0.name == alias }) { aliases.append((alias, fullName)) }
      return alias
    }
    let names = SwiftNames.methods(service.methods.map(\.name))
    methods = zip(service.methods, names).map { method, name in
      Method(
        descriptor: method, name: name, request: typeName(method.inputType),
        response: typeName(method.outputType))
    }
    self.name = name
    self.aliases = aliases
  }

  private var access: String { options.visibility.modifier }

  func print(_ printer: inout CodePrinter) {
    for alias in aliases {
      printer.print("", "\(access)typealias \(alias.name) = \(alias.message)")
    }
    printer.print("")
    printComment(of: service, orElse: "The service `\(service.fullName)`.", &printer)
    printer.print("\(access)nonisolated enum \(name) {")
    printer.withIndentation { printer in
      printer.print("/// The name of the service, as it travels.")
      printer.print("\(access)static let serviceName = \"\(service.fullName)\"", "")
      printMethods(&printer)
      if options.generatesServer { printProtocol(&printer) }
      if options.generatesClient { printClient(&printer) }
    }
    printer.print("}")
    if options.generatesServer { printServerMethods(&printer) }
  }

  // MARK: Descriptors

  private func printMethods(_ printer: inout CodePrinter) {
    printer.print("/// The methods, and how their messages become bytes.")
    printer.print("\(access)nonisolated enum Methods {")
    printer.withIndentation { printer in
      for method in methods {
        printer.print(
          "\(access)static let \(method.name) = "
            + "\(ours)RPCMethod<\(method.request), \(method.response)>(",
          "  protobuf: \(ours)MethodDescriptor(",
          "    service: \(name).serviceName, method: \"\(method.descriptor.name)\", "
            + "kind: .\(method.descriptor.kind)))")
      }
    }
    printer.print("}")
  }

  // MARK: Server

  /// The protocol is not marked `nonisolated`, as all else is: a method of a `@MainActor` class
  /// would take that over from its requirement. Under default isolation MainActor it is nonisolated
  /// all the same, since `RPCService` is `Sendable`.
  private func printProtocol(_ printer: inout CodePrinter) {
    printer.print("", "/// What a server of `\(service.fullName)` has to do.")
    printer.print("\(access)protocol Service: \(ours)RPCService {")
    printer.withIndentation { printer in
      for method in methods {
        printComment(of: method.descriptor, orElse: nil, &printer)
        printer.print("func \(method.name)(")
        printer.withIndentation { printer in
          printParameters(of: method, &printer)
        }
        let result = method.descriptor.serverStreaming ? "" : " -> \(method.response)"
        printer.print(") async throws\(result)")
      }
    }
    printer.print("}")
  }

  private func printParameters(of method: Method, _ printer: inout CodePrinter) {
    let request =
      method.descriptor.clientStreaming
      ? "_ requests: \(ours)RequestStream<\(method.request)>"
      : "_ request: \(method.request)"
    if method.descriptor.serverStreaming {
      printer.print(
        "\(request),", "responses: \(ours)ResponseWriter<\(method.response)>,",
        "context: \(ours)ServerContext")
    } else {
      printer.print("\(request), context: \(ours)ServerContext")
    }
  }

  private func printServerMethods(_ printer: inout CodePrinter) {
    printer.print("", "nonisolated extension \(name).Service {")
    printer.withIndentation { printer in
      printer.print("\(access)var serverMethods: [\(ours)ServerMethod] {")
      printer.withIndentation { printer in
        printer.print("[")
        printer.withIndentation { printer in
          for method in methods {
            let arguments =
              method.descriptor.serverStreaming
              ? "$0, responses: $1, context: $2" : "$0, context: $1"
            printer.print(
              ".\(method.descriptor.kind)(\(name).Methods.\(method.name)) {",
              "  try await self.\(method.name)(\(arguments))",
              "},")
          }
        }
        printer.print("]")
      }
      printer.print("}")
    }
    printer.print("}")
  }

  // MARK: Client

  private func printClient(_ printer: inout CodePrinter) {
    printer.print("", "/// Calls `\(service.fullName)`.")
    printer.print("\(access)nonisolated struct Client: Sendable {")
    printer.withIndentation { printer in
      for method in methods {
        printComment(of: method.descriptor, orElse: nil, &printer)
        printer.print(
          "\(access)let \(method.name): "
            + "\(callable(method))<\(method.request), \(method.response)>")
      }
      if !methods.isEmpty { printer.print("") }
      printer.print("/// Makes its calls on `channel`.")
      printer.print("\(access)init(_ channel: \(ours)GRPCChannel) {")
      for method in methods {
        printer.print(
          "  self.\(method.name) = \(callable(method))(channel, Methods.\(method.name))")
      }
      printer.print("}")
    }
    printer.print("}")
  }

  private func callable(_ method: Method) -> String {
    let kind = method.descriptor.kind
    return "\(ours)\(kind.prefix(1).uppercased())\(kind.dropFirst())Callable"
  }

  // MARK: Comments

  private func printComment(
    of descriptor: some ProvidesSourceCodeLocation & ProvidesDeprecationComment,
    orElse fallback: String?, _ printer: inout CodePrinter
  ) {
    let comment = descriptor.protoSourceCommentsWithDeprecation()
    let lines = comment.split(separator: "\n").map { line in
      String(line.reversed().drop { $0.isWhitespace }.reversed())
    }
    if lines.isEmpty, let fallback { printer.print("/// \(fallback)") }
    for line in lines { printer.print(line) }
  }
}

extension SwiftProtobufPluginLibrary.MethodDescriptor {
  /// As `CallKind` spells it.
  fileprivate var kind: String {
    switch (clientStreaming, serverStreaming) {
    case (false, false): "unary"
    case (false, true): "serverStreaming"
    case (true, false): "clientStreaming"
    case (true, true): "bidirectional"
    }
  }
}
