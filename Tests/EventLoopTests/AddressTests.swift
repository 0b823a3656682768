import CLinux
import Glibc
import Testing

@testable import TernEventLoop

@Suite("Socket addresses")
struct SocketAddressTests {
  // swift-format-ignore
  static let descriptions: [(SocketAddress, String, Int?)] = [
    (.ipv4(host: "127.0.0.1", port: 50_051), "127.0.0.1:50051",        50_051),
    (.ipv6(host: "::1", port: 80),           "[::1]:80",               80),
    (.ipv6(host: "fe80::1%2", port: 80),     "[fe80::1%2]:80",         80),
    (.unix(path: "/run/app.sock"),           "unix:/run/app.sock",     nil),
    (.unix(path: "\0name"),                  "unix-abstract:name",     nil),
    (.unix(path: ""),                        "unix:(unnamed)",         nil),
    (.memory,                                "memory",                 nil),
  ]

  @Test("An address reads as people type it, and has a port or none", arguments: descriptions)
  func description(address: SocketAddress, text: String, port: Int?) {
    #expect(address.description == text)
    #expect(address.port == port)
  }

  // swift-format-ignore
  static let numeric: [(String, SocketAddress?)] = [
    ("127.0.0.1",            .ipv4(host: "127.0.0.1", port: 1)),
    ("0.0.0.0",              .ipv4(host: "0.0.0.0", port: 1)),
    ("::",                   .ipv6(host: "::", port: 1)),
    ("::1",                  .ipv6(host: "::1", port: 1)),
    ("0:0:0:0:0:0:0:1",      .ipv6(host: "::1", port: 1)),
    ("2001:DB8::00A",        .ipv6(host: "2001:db8::a", port: 1)),
    ("::ffff:1.2.3.4",       .ipv6(host: "::ffff:1.2.3.4", port: 1)),
    ("fe80::1%lo",           .ipv6(host: "fe80::1%lo", port: 1)),
    ("",                     nil),
    ("localhost",            nil),
    ("127.1",                nil),
    ("1.2.3.256",            nil),
    ("127.0.0.1 ",           nil),
    ("127.0.0.1\0",          nil),
    ("::1\0x",               nil),
    ("[::1]",                nil),
    ("::1%",                 nil),
    ("%lo",                  nil),
  ]

  @Test("Only numbers are an address, and equal addresses are written alike", arguments: numeric)
  func numericHost(host: String, address: SocketAddress?) {
    #expect(SocketAddress(numericHost: host, port: 1) == address)
  }

  @Test("A port has 16 bits", arguments: [(-1, false), (0, true), (65_535, true), (65_536, false)])
  func ports(port: Int, isPort: Bool) {
    #expect((SocketAddress(numericHost: "127.0.0.1", port: port) != nil) == isPort)
    #expect((SocketAddress(numericHost: "::1", port: port) != nil) == isPort)
  }

  /// What is left of an address that went to C and back.
  private func roundTrip(_ address: SocketAddress) throws -> SocketAddress? {
    try unsafe address.withSockaddr { (pointer, length) throws(SystemError) in
      var storage = sockaddr_storage()
      unsafe withUnsafeMutableBytes(of: &storage) {
        unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: Int(length)))
      }
      return SocketAddress(storage, length: length)
    }
  }

  @Test(
    "C's form of an address says the same",
    arguments: [
      .ipv4(host: "10.1.2.3", port: 65_535), .ipv6(host: "2001:db8::a", port: 443),
      .ipv6(host: "fe80::1%1", port: 1), .unix(path: "/tmp/x"), .unix(path: "/tmp/ÄÖ"),
      .unix(path: "\0abstract"), .unix(path: "\0a\0b"),
      .unix(path: "/" + String(repeating: "p", count: 106)),
      .unix(path: "\0" + String(repeating: "n", count: 106)),
    ] as [SocketAddress])
  func cForm(address: SocketAddress) throws {
    #expect(try roundTrip(address) == address)
  }

  @Test("A zone may be a name; C knows its number")
  func zoneName() throws {
    let number = unsafe if_nametoindex("lo")
    #expect(
      try roundTrip(.ipv6(host: "fe80::1%lo", port: 1)) == .ipv6(host: "fe80::1%\(number)", port: 1)
    )
  }

  @Test("A path that is too long is refused, and the error names it")
  func longPath() throws {
    let path = "/" + String(repeating: "p", count: 107)

    let error = try #require(throws: SystemError.self) { try roundTrip(.unix(path: path)) }

    #expect(error.code == ENAMETOOLONG)
    #expect(error.description.contains(path) && error.description.contains("108 bytes"))
  }

  @Test(
    "What is no address is refused, and the error names it",
    arguments: [
      .ipv4(host: "localhost", port: 1), .ipv4(host: "127.0.0.1", port: 65_536),
      .ipv4(host: "127.0.0.1", port: -1), .ipv6(host: "127.0.0.1", port: 1),
      .ipv6(host: "::1", port: 70_000), .ipv6(host: "fe80::1%no-such-zone", port: 1),
      .ipv6(host: "", port: 1), .unix(path: ""), .unix(path: "/tmp/a\0b"), .memory,
    ] as [SocketAddress])
  func noAddress(address: SocketAddress) throws {
    let error = try #require(throws: SystemError.self) { try roundTrip(address) }

    #expect(error.code == EINVAL)
    #expect(error.description.contains(address.description))
  }

  @Test("A family that is not known has no address")
  func unknownFamily() {
    var storage = sockaddr_storage()
    storage.ss_family = sa_family_t(AF_NETLINK)
    #expect(SocketAddress(storage, length: 16) == nil)
  }
}

@Suite("Address look-up", .timeLimit(.minutes(2)))
struct AddressLookupTests {
  @Test("localhost is this machine")
  func localhost() async throws {
    let addresses = try await AddressLookup.addresses(of: "localhost", port: 80)

    let loopback: Set<SocketAddress> = [
      .ipv4(host: "127.0.0.1", port: 80), .ipv6(host: "::1", port: 80),
    ]
    #expect(!addresses.isEmpty && Set(addresses).isSubset(of: loopback))
    #expect(Set(addresses).count == addresses.count)
  }

  @Test("A numeric address is itself")
  func numeric() async throws {
    #expect(
      try await AddressLookup.addresses(of: "10.0.0.1", port: 7)
        == [.ipv4(host: "10.0.0.1", port: 7)])
  }

  @Test("To listen, no host means all addresses of the machine")
  func passive() async throws {
    let addresses = try await AddressLookup.addresses(of: "", port: 0, isPassive: true)

    #expect(addresses.contains(.ipv4(host: "0.0.0.0", port: 0)))
  }

  @Test("A name without address is an error that names it and says why")
  func noSuchName() async throws {
    let error = try await #require(throws: LookupError.self) {
      try await AddressLookup.addresses(of: "no-such-host.invalid", port: 80)
    }

    #expect(error.host == "no-such-host.invalid")
    #expect(error.description.hasPrefix("'no-such-host.invalid' has no address: "))
    #expect(!error.reason.isEmpty)
  }

  @Test("A port that is none is an error and no other port", arguments: [-1, 65_536, 70_000])
  func noPort(port: Int) async throws {
    for host in ["localhost", "127.0.0.1"] {
      let error = try await #require(throws: LookupError.self) {
        try await AddressLookup.addresses(of: host, port: port)
      }

      #expect(error.reason.contains("\(port)"))
    }
  }

  @Test("A name with a NUL in it is not looked up by its first half")
  func nul() async {
    await #expect(throws: LookupError.self) {
      try await AddressLookup.addresses(of: "localhost\0.invalid", port: 80)
    }
  }

  @Test("Many look-ups at once all end")
  func many() async throws {
    try await withThrowingTaskGroup(of: Int.self) { group in
      for port in 1...100 {
        group.addTask {
          try await AddressLookup.addresses(of: "localhost", port: port).first?.port ?? 0
        }
      }
      var sum = 0
      for try await port in group { sum += port }
      #expect(sum == 5_050)
    }
  }
}

@Suite("System errors")
struct SystemErrorTests {
  @Test("An error says what the system says, the call, and the number")
  func text() {
    let error = SystemError(call: "connect", code: ECONNREFUSED)

    #expect(error.reason == "Connection refused")
    #expect(error.description == "Connection refused (connect, errno 111)")
  }

  @Test("A number that the system does not know is shown as number")
  func unknown() {
    #expect(SystemError(call: "x", code: 99_999).description.contains("99999"))
  }

  // swift-format-ignore
  @Test("Errors on which something can be done are told apart", arguments: [
    (EADDRNOTAVAIL, [true, false, false]), (EAFNOSUPPORT, [true, false, false]),
    (EADDRINUSE,    [false, true, false]), (EACCES,       [false, false, true]),
    (EPERM,         [false, false, true]), (ECONNRESET,   [false, false, false]),
  ])
  func kinds(code: Int32, kinds: [Bool]) {
    let error = SystemError(call: "bind", code: code)
    #expect([error.isMissingAddress, error.isAddressInUse, error.isNotPermitted] == kinds)
  }
}
