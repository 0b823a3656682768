import Logging
import Testing
import TernCore

@testable import TernServer

@Suite("Method table")
struct MethodTableTests {
  private func table(_ paths: [(service: String, method: String)]) -> MethodTable {
    MethodTable(
      paths.map { path in
        RegisteredMethod(Echo.method(path.method, service: path.service), options: ServerOptions())
      })
  }

  private func find(_ path: String, in table: MethodTable) -> String? {
    unsafe Array(path.utf8).withUnsafeBytes { unsafe table.method(for: $0)?.descriptor.path }
  }

  @Test("Each method is found under its path, and nothing under others")
  func lookUp() {
    let table = table([("test.A", "One"), ("test.A", "Two"), ("test.B", "One")])

    for path in ["/test.A/One", "/test.A/Two", "/test.B/One"] {
      #expect(find(path, in: table) == path)
    }
    for path in ["", "/", "/test.A/Three", "/test.A/one", "/test.A/One/", "test.A/One", "/test.A"] {
      #expect(find(path, in: table) == nil)
    }
  }

  @Test("Methods whose paths share a slot are all found")
  func collisions() {
    // A thousand paths in at most 2048 slots: hundreds of them collide.
    let paths = (0..<1000).map { (service: "test.Service\($0 % 7)", method: "Method\($0)") }
    let table = table(paths)

    for path in paths {
      let text = "/\(path.service)/\(path.method)"
      #expect(find(text, in: table) == text)
    }
    #expect(find("/test.Service0/Method1000", in: table) == nil)
  }

  @Test("A server without methods finds none")
  func empty() { #expect(find("/test.A/One", in: table([])) == nil) }

  // Spec: W66 (unknown service or method: UNIMPLEMENTED)
  @Test(
    "For what is unknown it says whether the service or the method is",
    arguments: [
      ("/test.A/Two", "The service 'test.A' of this server has no method 'Two'."),
      ("/test.A/", "This server has no service for the path '/test.A/'."),
      ("/test.B/One", "This server has no service for the path '/test.B/One'."),
      ("/test.A", "This server has no service for the path '/test.A'."),
      ("/", "This server has no service for the path '/'."),
      ("", "This server has no service for the path ''."),
    ])
  func unknown(path: String, text: String) {
    let status = table([("test.A", "One")]).statusOfUnknown(path: path)

    #expect(status.code == .unimplemented)
    #expect(status.message == text)
  }
}

@Suite("Options of a method")
struct MethodOptionsTests {
  private var options: ServerOptions {
    var options = ServerOptions()
    options.maxRequestMessageBytes = 100
    options.maxResponseMessageBytes = 1000
    options.methods = [
      "test.A": .init(maxRequestMessageBytes: 200, maxResponseMessageBytes: 2000),
      "test.A/Two": .init(maxRequestMessageBytes: 300),
    ]
    return options
  }

  // Spec: W37 (limits of messages)
  @Test(
    "A method's own limit goes before its service's, and that before the server's",
    arguments: [
      ("test.B", "One", 100, 1000), ("test.A", "One", 200, 2000), ("test.A", "Two", 300, 2000),
    ])
  func limits(service: String, method: String, request: Int, response: Int) {
    let registered = RegisteredMethod(Echo.method(method, service: service), options: options)

    #expect(registered.maxRequestMessageBytes == request)
    #expect(registered.maxResponseMessageBytes == response)
  }
}
