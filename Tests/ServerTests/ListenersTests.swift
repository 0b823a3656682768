import Testing
import TernEventLoop

@testable import TernServer

@Suite("Listeners", .timeLimit(.minutes(1)))
struct ListenersTests {
  @Test("What is opened after the server was told to end is closed again")
  func startAfterClose() async throws {
    let group = EventLoopGroup(loopCount: 1)
    let listeners = Listeners()
    // A path of its own: the number of a port that was closed may be another test's by now.
    let path = "/tmp/tern-listeners-\(UInt64.random(in: 0 ... .max))"
    let opened = try await Listeners.open(.unix(path), loop: group.loops[0], reusesPort: false)
    _ = try Socket.connecting(to: .unix(path: path))
    let result: Result<Void, ServerError> = await withCheckedContinuation { continuation in
      group.loops[0].submit {
        listeners.close()
        continuation.resume(
          returning: listeners.start(
            opened, onAccept: { _ in }, logger: ServerOptions().logger))
      }
    }

    #expect(throws: ServerError.self) { try result.get() }
    #expect(throws: SystemError.self) { try Socket.connecting(to: .unix(path: path)) }
  }

  @Test(
    "A port that is none is refused with the ones that are",
    arguments: [-1, 65_536])
  func ports(port: Int) async {
    let loop = EventLoopGroup(loopCount: 1).loops[0]

    let error = await #expect(throws: ServerError.self) {
      _ = try await Listeners.open(.tcp("127.0.0.1", port), loop: loop, reusesPort: false)
    }

    #expect(
      error?.message == "\(port) is not a port. Give one from 0 to 65535; 0 picks a free one.")
  }
}
