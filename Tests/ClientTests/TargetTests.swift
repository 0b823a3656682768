import Testing
import TernCore
import TernEventLoop

@testable import TernClient

// Spec: W99 (naming; the schemes that need no resolver of their own)
@Suite("Target")
struct TargetTests {
  struct Name: Sendable {
    let text: String
    let host: String
    let port: Int
    let authority: String

    init(_ text: String, _ host: String, _ port: Int, authority: String) {
      self.text = text
      self.host = host
      self.port = port
      self.authority = authority
    }
  }

  @Test(
    "A name is looked up, with port 443 unless it has one",
    arguments: [
      Name("example.com:50051", "example.com", 50_051, authority: "example.com:50051"),
      Name("example.com", "example.com", 443, authority: "example.com"),
      Name("dns:example.com:1", "example.com", 1, authority: "example.com:1"),
      Name("dns:///example.com:65535", "example.com", 65_535, authority: "example.com:65535"),
      Name("dns:///example.com", "example.com", 443, authority: "example.com"),
      Name("dns:localhost:5", "localhost", 5, authority: "localhost:5"),
      Name("127.0.0.1:5", "127.0.0.1", 5, authority: "127.0.0.1:5"),
      Name("[::1]:5", "::1", 5, authority: "[::1]:5"),
      Name("[::1]", "::1", 443, authority: "[::1]"),
      Name("::1", "::1", 443, authority: "[::1]"),
      Name("dns:///[2001:db8::1]:5", "2001:db8::1", 5, authority: "[2001:db8::1]:5"),
    ])
  func names(_ name: Name) throws {
    let target = try Target(name.text)

    #expect(target.kind == .name(host: name.host, port: name.port))
    #expect(target.authority == name.authority)
    #expect(target.description == name.text)
  }

  struct Addresses: Sendable {
    let text: String
    let addresses: [SocketAddress]
    let authority: String

    init(_ text: String, _ addresses: [SocketAddress], authority: String) {
      self.text = text
      self.addresses = addresses
      self.authority = authority
    }
  }

  @Test(
    "Addresses are taken as they are, in their order",
    arguments: [
      Addresses(
        "ipv4:1.2.3.4:5", [.ipv4(host: "1.2.3.4", port: 5)], authority: "1.2.3.4:5"),
      Addresses(
        "ipv4:1.2.3.4", [.ipv4(host: "1.2.3.4", port: 443)], authority: "1.2.3.4:443"),
      Addresses(
        "ipv4:1.2.3.4:5,6.7.8.9:10",
        [.ipv4(host: "1.2.3.4", port: 5), .ipv4(host: "6.7.8.9", port: 10)],
        authority: "1.2.3.4:5"),
      Addresses(
        "ipv6:[::1]:5,[::2]:6", [.ipv6(host: "::1", port: 5), .ipv6(host: "::2", port: 6)],
        authority: "[::1]:5"),
      Addresses("ipv6:::1", [.ipv6(host: "::1", port: 443)], authority: "[::1]:443"),
      Addresses("unix:run/app.sock", [.unix(path: "run/app.sock")], authority: "localhost"),
      Addresses("unix:/run/app.sock", [.unix(path: "/run/app.sock")], authority: "localhost"),
      Addresses("unix:///run/app.sock", [.unix(path: "/run/app.sock")], authority: "localhost"),
      Addresses("unix-abstract:app", [.unix(path: "\0app")], authority: "localhost"),
    ])
  func addresses(_ row: Addresses) throws {
    let target = try Target(row.text)

    #expect(target.kind == .addresses(row.addresses))
    #expect(target.authority == row.authority)
  }

  // Spec: W74 (statuscodes: what a library never says by itself)
  @Test(
    "What cannot be read is refused with its text, the reason, and the forms that are known",
    arguments: [
      ("", "it has no host"),
      ("dns:///", "it has no host"),
      (
        "dns://8.8.8.8/example.com:5",
        "which DNS server to ask is the system's choice, not '8.8.8.8'"
      ),
      (":50051", "it has no host"),
      ("[]:50051", "it has no host"),
      ("[]", "it has no host"),
      ("example.com:", "'' is not a port from 1 to 65535"),
      ("example.com:0", "'0' is not a port from 1 to 65535"),
      ("example.com:65536", "'65536' is not a port from 1 to 65535"),
      ("example.com:http", "'http' is not a port from 1 to 65535"),
      ("example.com:+5", "'+5' is not a port from 1 to 65535"),
      ("http://example.com", "'//example.com' is not a port from 1 to 65535"),
      ("[::1", "a ']' is missing"),
      ("[::1]50051", "after ']' comes ':' and a port"),
      ("unix:", "it has no path"),
      ("unix://", "it has no path"),
      ("unix-abstract:", "it has no name"),
      ("ipv4:", "it has no host"),
      ("ipv4:1.2.3.4:5,", "it has no host"),
      ("ipv4:example.com:5", "'example.com' is not an address of numbers"),
      ("ipv4:[::1]:5", "'::1' is not an ipv4 address"),
      ("ipv6:1.2.3.4:5", "'1.2.3.4' is not an ipv6 address"),
    ])
  func malformed(_ text: String, reason: String) throws {
    let error = try #require(throws: RPCError.self) { try Target(text) }

    #expect(error.code == .internal)
    #expect(error.origin == .caller)
    #expect(
      error.message
        == "The target '\(text)' cannot be used: \(reason). Write 'host:port', 'dns:///host:port', "
        + "'ipv4:1.2.3.4:5', 'ipv6:[::1]:5', 'unix:path' or 'unix-abstract:name'.")
  }
}
