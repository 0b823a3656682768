import Testing

@testable import TernServer

@Suite("Server state", .timeLimit(.minutes(1)))
struct ServerStateTests {
  @Test("It starts once")
  func startsOnce() {
    let state = ServerState()

    #expect(state.start(loopCount: 1))
    #expect(!state.start(loopCount: 1))
  }

  @Test("A start that failed may be tried again")
  func startsAgain() {
    let state = ServerState()

    #expect(state.start(loopCount: 1))
    state.undoStart()

    #expect(state.start(loopCount: 1))
  }

  @Test("It drains once, and is over when the last loop is empty")
  func drains() async {
    let state = ServerState()
    _ = state.start(loopCount: 2)

    #expect(state.drain())
    #expect(!state.drain())
    state.loopIsEmpty()
    async let end: Void = state.waitUntilOver()
    state.loopIsEmpty()

    await end
    #expect(!state.start(loopCount: 1))
  }

  @Test("A server that never ran is over at once when it is drained")
  func drainsIdle() async {
    let state = ServerState()

    #expect(!state.drain())

    await state.waitUntilOver()
    #expect(!state.start(loopCount: 1))
  }
}

@Suite("Listen address")
struct ListenAddressTests {
  @Test(
    "An address reads as people type it",
    arguments: [
      (ListenAddress.tcp("localhost", 50_051), "localhost:50051"),
      (.tcp("127.0.0.1", 0), "127.0.0.1:0"), (.tcp("::1", 1), "[::1]:1"),
      (.unix("/run/app.sock"), "unix:/run/app.sock"),
    ])
  func description(address: ListenAddress, text: String) {
    #expect(address.description == text)
  }
}
