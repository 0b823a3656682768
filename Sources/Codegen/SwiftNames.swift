internal import SwiftProtobufPluginLibrary

/// How names of a `.proto` file read in Swift.
enum SwiftNames {
  /// Names of the methods of one service, in order: `SayHello` becomes `sayHello`.
  ///
  /// Two that would read the same are told apart by a number; the first one keeps its name, so that
  /// a method added at the end renames none.
  static func methods(_ protoNames: [String]) -> [String] {
    var taken: Set<String> = []
    return protoNames.map { protoName in
      let name = member(lowerCamelCase(protoName))
      var candidate = name
      var number = 2
      while !taken.insert(candidate).inserted {
        candidate = "\(unquoted(name))_\(number)"
        number += 1
      }
      return candidate
    }
  }

  /// The name of a service's namespace. `prefix` is what SwiftProtobuf puts before the types of its
  /// file.
  static func service(_ protoName: String, prefix: String) -> String {
    let name = prefix + protoName
    if reservedTypes.contains(name) || name.allSatisfy({ $0 == "_" }) { return name + "Service" }
    // A service `Type` is called `TypeService`; one that is called so by itself makes way, as
    // SwiftProtobuf does with its messages.
    if name.hasSuffix("Service"), name != "Service" {
      return service(String(name.dropLast("Service".count)), prefix: "") + "Service"
    }
    return name
  }

  /// - Returns: e.g. `getURL` for `GetURL` and `get_URL`, `urlFor` for `URLFor`, `ids` for `IDs`,
  ///   `sayHello` for `SAY_HELLO`.
  static func lowerCamelCase(_ name: String) -> String {
    let leadingUnderscores = name.prefix { $0 == "_" }
    let hasSmallLetters = name.contains { $0.isLowercase }
    let words = name.split(separator: "_").map { word in
      // Without small letters the capitals say nothing about where words begin.
      hasSmallLetters ? String(word) : word.lowercased()
    }
    guard let first = words.first else { return name }
    let rest = words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }
    return leadingUnderscores + decapitalized(first) + rest.joined()
  }

  /// Makes small what is the first word: `HTTPGet` becomes `httpGet`.
  private static func decapitalized(_ word: String) -> String {
    let capitals = word.prefix { $0.isUppercase }
    let rest = word.dropFirst(capitals.count)
    let isWholeWord = capitals.count <= 1 || rest.first?.isLowercase != true
    // "IDs", "URLsFor": the plural's letter belongs to the acronym.
    let isPlural = rest.first == "s" && rest.dropFirst().first?.isLowercase != true
    if isWholeWord || isPlural { return capitals.lowercased() + rest }
    return capitals.dropLast().lowercased() + capitals.suffix(1) + rest
  }

  /// A name that can stand for a method, a property and a constant.
  private static func member(_ name: String) -> String {
    if unusableMembers.contains(name) || name.allSatisfy({ $0 == "_" }) { return name + "Call" }
    return keywords.contains(name) ? "`\(name)`" : name
  }

  private static func unquoted(_ name: String) -> String { name.filter { $0 != "`" } }

  /// `init` and `self` mean something after a dot, even in quotes; `serverMethods` is a member of
  /// `RPCService`.
  private static let unusableMembers: Set = ["init", "self", "serverMethods"]

  private static let keywords =
    swiftKeywordsUsedInDeclarations
    .union(swiftKeywordsUsedInStatements)
    .union(swiftKeywordsUsedInExpressionsAndTypes)

  /// What may not be hidden, and what cannot be the name of a type.
  private static let reservedTypes =
    keywords
    .union(swiftCommonTypes)
    .union(["Protocol", "Self", "Sendable", "Swift", "SwiftProtobuf", "Tern", "Type"])
}
