import Testing

@testable import TernCodegen

@Suite("Names in Swift")
struct SwiftNamesTests {
  @Test(
    "A method's name begins small and keeps its words apart",
    arguments: [
      ("SayHello", "sayHello"), ("sayHello", "sayHello"), ("say_hello", "sayHello"),
      ("SAY_HELLO", "sayHello"), ("Get_URL", "getURL"), ("GetURL", "getURL"), ("URLFor", "urlFor"),
      ("URL", "url"), ("IDs", "ids"), ("IDsOf", "idsOf"), ("HTTP2Get", "http2Get"), ("X", "x"),
      ("X1", "x1"), ("XYZTop", "xyzTop"), ("_Hidden", "_hidden"), ("Do__It", "doIt"),
      ("Trailing_", "trailing"), ("GetV2beta", "getV2beta"),
    ])
  func casing(protoName: String, swiftName: String) {
    #expect(SwiftNames.lowerCamelCase(protoName) == swiftName)
  }

  @Test(
    "What Swift keeps for itself is quoted, or renamed where quotes do not help",
    arguments: [
      ("Default", "`default`"), ("In", "`in`"), ("Init", "initCall"), ("Self", "selfCall"),
      ("Type", "type"), ("Any", "any"), ("ServerMethods", "serverMethodsCall"), ("_", "_Call"),
      ("__", "__Call"), ("Client", "client"), ("Get", "get"),
    ])
  func escaping(protoName: String, swiftName: String) {
    #expect(SwiftNames.methods([protoName]) == [swiftName])
  }

  @Test("Names that would read the same are numbered, the first one excepted")
  func duplicates() {
    #expect(SwiftNames.methods(["Get", "get", "G_et", "GET"]) == ["get", "get_2", "gEt", "get_3"])
    #expect(SwiftNames.methods(["For", "for"]) == ["`for`", "for_2"])
  }

  @Test(
    "A service is named as SwiftProtobuf names types, and hides nothing",
    arguments: [
      ("Greeter", "Greet_", "Greet_Greeter"), ("greeter", "", "greeter"),
      ("Type", "", "TypeService"),
      ("Type", "A_", "A_Type"), ("class", "", "classService"), ("Tern", "", "TernService"),
      ("TernService", "", "TernServiceService"), ("ChatService", "", "ChatService"),
      ("Service", "", "Service"), ("_", "", "_Service"),
    ])
  func services(protoName: String, prefix: String, swiftName: String) {
    #expect(SwiftNames.service(protoName, prefix: prefix) == swiftName)
  }
}
