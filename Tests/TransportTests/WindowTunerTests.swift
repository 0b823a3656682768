import Testing

@testable import TernTransport

@Suite("Window tuner")
struct WindowTunerTests {
  /// One PING: how long its answer takes, and what comes in how long from then on.
  struct Probe: Sendable {
    var roundTrip: Int64
    var bytes: Int
    var milliseconds: Int64

    init(roundTrip: Int64 = 50, _ bytes: Int, in milliseconds: Int64 = 100) {
      self.roundTrip = roundTrip
      self.bytes = bytes
      self.milliseconds = milliseconds
    }
  }

  /// Feeds a tuner whose windows begin with 300 bytes.
  struct Bench {
    var tuner: WindowTuner
    var receivedBytes = 0
    var now: Int64 = 0

    init(max: Int = 10_000) { tuner = WindowTuner(windowBytes: 300, maxWindowBytes: max) }

    /// Receives until a PING is due, and then what the probe says.
    @discardableResult
    mutating func run(_ probe: Probe) -> WindowTuner.Step {
      receivedBytes = max(receivedBytes, tuner.nextBytes)
      #expect(tuner.advance(receivedBytes: receivedBytes, now: now) == .sendPing)
      let begin = now
      tuner.receiveAnswer(now: begin + probe.roundTrip * 1_000_000)
      receivedBytes += probe.bytes
      now = begin + probe.milliseconds * 1_000_000
      return tuner.advance(receivedBytes: receivedBytes, now: now)
    }
  }

  // swift-format-ignore
  static let growths: [(name: String, probes: [Probe], windowBytes: Int)] = [
    ("round trips that fill the window",                     [Probe(600)],                        900),
    ("round trips that fill half of it",                     [Probe(300)],                        450),
    ("less",                                                 [Probe(298)],                        300),
    ("three round trips that fill it",                       [Probe(900, in: 150)],               900),
    ("the larger window is full as well",                    [Probe(600), Probe(1800)],           2700),
    ("round trips that grow with the window: the link is full", [Probe(600), Probe(roundTrip: 150, 1800, in: 300)], 900),
    ("the cap",                                              [Probe(60_000)],                     10_000),
    ("no time at all",                                       [Probe(roundTrip: 0, 149, in: 0)],   300),
  ]

  // Spec: W91 (the bandwidth-delay product decides)
  @Test(
    "A window grows to three times what a round trip carries, where it holds the sender back",
    arguments: growths)
  func growth(row: (name: String, probes: [Probe], windowBytes: Int)) {
    var bench = Bench()

    for probe in row.probes { bench.run(probe) }

    #expect(bench.tuner.windowBytes == row.windowBytes)
  }

  @Test("A path that became longer is noticed after some PINGs")
  func longerPath() {
    var bench = Bench()
    bench.run(Probe(roundTrip: 1, 400, in: 2))
    #expect(bench.tuner.windowBytes == 600)

    var probes = 0
    while bench.tuner.windowBytes == 600, probes < 100 {
      bench.run(Probe(600))
      probes += 1
    }

    #expect(bench.tuner.windowBytes > 600)
    #expect(probes > 1)
  }

  // Spec: W91 (PINGs only next to data)
  @Test("A PING is due after half a window, and each that was of no use doubles the pause")
  func pauses() {
    var bench = Bench()
    var pauses = [bench.tuner.nextBytes]

    for _ in 0..<6 {
      bench.run(Probe(10))
      pauses.append(bench.tuner.nextBytes - bench.receivedBytes)
    }

    #expect(pauses == [150, 300, 600, 1200, 1200, 1200, 1200])
  }

  @Test("One PING at a time: until its answer is here, there is nothing to do")
  func oneAtATime() {
    var tuner = WindowTuner(windowBytes: 300, maxWindowBytes: 10_000)

    #expect(advance(&tuner, 150, now: 0) == .sendPing)
    #expect(tuner.nextBytes == .max)
    #expect(advance(&tuner, 1500, now: 1000) == .nothing)
  }

  @Test("Behind the answer a round trip more is counted")
  func counting() {
    var tuner = WindowTuner(windowBytes: 300, maxWindowBytes: 10_000)
    _ = advance(&tuner, 150, now: 0)
    tuner.receiveAnswer(now: 50)

    #expect(advance(&tuner, 700, now: 99) == .nothing)
    #expect(advance(&tuner, 750, now: 100) == .grow)
  }

  @Test("An answer to nothing changes nothing")
  func unasked() {
    var tuner = WindowTuner(windowBytes: 300, maxWindowBytes: 10_000)

    tuner.receiveAnswer(now: 1)

    #expect(tuner.windowBytes == 300)
    #expect(tuner.nextBytes == 150)
    #expect(advance(&tuner, 150, now: 2) == .sendPing)
  }

  @Test("At the cap no PING is due any more")
  func cap() {
    var bench = Bench(max: 600)

    bench.run(Probe(400))

    #expect(bench.tuner.windowBytes == 600)
    #expect(bench.tuner.nextBytes == .max)
  }

  @Test("A cap that is not above the window switches measuring off", arguments: [0, 299, 300])
  func off(cap: Int) {
    let tuner = WindowTuner(windowBytes: 300, maxWindowBytes: cap)

    #expect(tuner.windowBytes == 300)
    #expect(tuner.nextBytes == .max)
  }

  @Test("Sizes beyond HTTP/2's largest window count as that")
  func largest() {
    let tuner = WindowTuner(windowBytes: .max, maxWindowBytes: .max)

    #expect(tuner.windowBytes == Int(Int32.max))
    #expect(tuner.nextBytes == .max)
  }

  private func advance(
    _ tuner: inout WindowTuner, _ receivedBytes: Int, now: Int64
  ) -> WindowTuner.Step {
    tuner.advance(receivedBytes: receivedBytes, now: now)
  }
}
