internal import CNghttp2
internal import Glibc
@testable import TernHTTP2
import TestSupport
import Testing

@Suite("HTTP/2 sessions that live long", .serialized)
struct EnduranceTests {
  /// In a process of its own, so that nothing else counts.
  @Test("A hundred thousand streams one after another leave no memory behind")
  func flatMemory() async {
    await #expect(processExitsWith: .success) {
      let pair = try Pair()
      try Self.exchange(10_000, on: pair)
      let before = try Self.residentBytes()

      try Self.exchange(100_000, on: pair)

      // One stream object each would be 70 MB and more.
      let after = try Self.residentBytes()
      #expect(after < before + (8 << 20), "grew from \(before) to \(after) bytes")
      #expect(pair.client.session.openStreamCount == 0)
    }
  }

  /// What the process has in memory, from its second number of pages (man 5 proc).
  private static func residentBytes() throws -> Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { throw NoMemoryFigure() }
    defer { unsafe fclose(file) }
    let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { line in
      unsafe fgets(line.baseAddress!, CInt(line.count), file)
      return unsafe String(cString: line.baseAddress!)
    }
    let pages = try #require(Int(text.split(separator: " ")[1]))
    return pages * Int(sysconf(CInt(_SC_PAGESIZE)))
  }

  private struct NoMemoryFigure: Error {}

  private static func exchange(_ count: Int, on pair: Pair) throws {
    for index in 0..<count {
      let request = try pair.client.open(end: index % 2 == 0)
      try pair.settle()
      switch index % 200 {
      // Few enough that the server does not take it for an attack.
      case 0: pair.client.session.reset(request, errorCode: Code.cancel)
      case 1..<100: try pair.server.answer(pair.server.streams[0])
      default: pair.server.session.reset(pair.server.streams[0], errorCode: Code.cancel)
      }
      try pair.settle()
      pair.client.forgetStreams()
      pair.server.forgetStreams()
    }
  }

  // Spec: W79 (stream numbers end; drain at three quarters)
  @Test("No stream is opened once three quarters of the numbers are used")
  func streamNumbers() throws {
    let client = try Endpoint(.client)
    #expect(client.session.canOpenStreams)

    let limit: Int32 = 0x6000_0000
    #expect(unsafe nghttp2_session_set_next_stream_id(client.session.handle, limit - 1) == 0)
    #expect(client.session.canOpenStreams)
    try client.open()

    #expect(!client.session.canOpenStreams)
  }
}
