import Glibc
import Testing

@testable import TernEventLoop

/// One after another: signals belong to the whole process.
@Suite("Signal watch", .serialized, .timeLimit(.minutes(2)))
struct SignalWatchTests {
  @Test("Each signal is told on the loop, until the watch stops")
  func told() async throws {
    try await withLoop { loop in
      let notes = Notes<Bool>()
      let watch = try SignalWatch([SIGUSR1], loop: loop) { notes.append(loop.isCurrent) }
      try await loop.perform { try watch.start() }

      kill(getpid(), SIGUSR1)
      await notes.reach(1)
      kill(getpid(), SIGUSR1)
      await notes.reach(2)
      try await loop.perform { watch.stop() }

      #expect(notes.all == [true, true])
    }
  }

  @Test("The first watch of a signal has it; when it stops another one can")
  func oneAtATime() async throws {
    try await withLoop { loop in
      let notes = Notes<String>()
      let first = try SignalWatch([SIGUSR1], loop: loop) { notes.append("first") }
      let second = try SignalWatch([SIGUSR1], loop: loop) { notes.append("second") }
      try await loop.perform {
        try first.start()
        try second.start()
      }

      kill(getpid(), SIGUSR1)
      await notes.reach(1)
      try await loop.perform {
        second.stop()
        first.stop()
        try second.start()
      }
      kill(getpid(), SIGUSR1)
      await notes.reach(2)
      try await loop.perform { second.stop() }

      #expect(notes.all == ["first", "second"])
    }
  }

  @Test("A watch that goes with its loop, not stopped, gives the signal back")
  func dropped() async throws {
    let ends = Notes<Void>()
    do {
      let kernel = WitnessKernel { ends.append(()) }
      try await withLoop(kernel: kernel) { loop in
        let watch = try SignalWatch([SIGUSR1], loop: loop) {}
        try await loop.perform { try watch.start() }
      }
    }
    await ends.reach(1)

    try await withLoop { loop in
      let notes = Notes<Int>()
      let watch = try SignalWatch([SIGUSR1], loop: loop) { notes.append(1) }
      try await loop.perform { try watch.start() }
      #expect(watch.isWatching)
      try await loop.perform { watch.stop() }
    }
  }

  @Test("A number that is no signal is an error")
  func noSignal() async throws {
    try await withLoop { loop in
      for number in [0, -1, 65, 1_000, SIGKILL] {
        let watch = try SignalWatch([number], loop: loop) {}

        await #expect(throws: SystemError(call: "sigaction", code: EINVAL)) {
          try await loop.perform { try watch.start() }
        }
      }
    }
  }
}
