import Glibc
import Testing

@testable import TernEventLoop

@Suite("Event loop", .timeLimit(.minutes(2)))
struct EventLoopTests {
  // MARK: Work from elsewhere

  @Test("Work runs on the loop's thread, in the order of submission")
  func order() async throws {
    try await withLoop { loop in
      let notes = Notes<Int>()

      for index in 0..<1_000 {
        loop.submit { [unowned loop] in notes.append(loop.isCurrent ? index : -1) }
      }
      await notes.reach(1_000)

      #expect(notes.all == Array(0..<1_000))
      #expect(!loop.isCurrent)
    }
  }

  @Test("On its own thread, execute runs at once and submit later")
  func executeAndSubmit() async throws {
    try await withLoop { loop in
      let notes = Notes<String>()

      loop.execute { [unowned loop] in
        loop.submit { notes.append("submitted") }
        loop.execute { notes.append("executed") }
        notes.append("end")
      }
      await notes.reach(3)

      #expect(notes.all == ["executed", "end", "submitted"])
    }
  }

  @Test("Many producers lose nothing, each sees its own order, and the loop always wakes up")
  func manyProducers() async throws {
    try await withLoop { loop in
      let notes = Notes<(producer: Int, number: Int)>()
      let producers = 8
      let each = 2_000

      await withTaskGroup(of: Void.self) { group in
        for producer in 0..<producers {
          group.addTask { @concurrent in
            for number in 0..<each {
              loop.submit { notes.append((producer, number)) }
              // Now and then the loop should have fallen asleep.
              if number % 100 == 0 { await notes.reach(number / 100) }
            }
          }
        }
      }
      await notes.reach(producers * each)

      for producer in 0..<producers {
        #expect(notes.all.filter { $0.producer == producer }.map(\.number) == Array(0..<each))
      }
    }
  }

  @Test("A loop that sleeps after each piece of work is woken for the next")
  func wakeUps() async throws {
    try await withLoop { loop in
      for number in 0..<5_000 {
        let answer = try await loop.perform { number }
        try #require(answer == number)
      }
    }
  }

  // MARK: Executor

  @Test("A task that prefers the loop runs on it, before and after it waits elsewhere")
  func preference() async throws {
    try await withLoop { loop in
      let task = Task(executorPreference: loop) {
        var places = [loop.isCurrent]
        await Task.yield()
        places.append(loop.isCurrent)
        await Task.detached {}.value
        places.append(loop.isCurrent)
        await withTaskGroup(of: Bool.self) { group in
          for _ in 0..<3 { group.addTask { loop.isCurrent } }
          for await place in group { places.append(place) }
        }
        return places
      }

      #expect(await task.value == Array(repeating: true, count: 6))
    }
  }

  @Test("An actor on the loop is isolated in tasks and in plain callbacks of the loop")
  func isolation() async throws {
    try await withLoop { loop in
      let actor = LoopActor(on: loop)

      await actor.increment()
      let count = try await loop.perform {
        loop.preconditionIsolated()
        actor.preconditionIsolated()
        // because the actor's executor is the loop that runs this.
        return actor.assumeIsolated {
          $0.increment(); return $0.count
        }
      }

      #expect(count == 2)
      #expect(loop.isIsolatingCurrentContext() == false)
      #expect(try await loop.perform { loop.isIsolatingCurrentContext() } == true)
    }
  }

  @Test("Claiming to be on the loop from elsewhere ends the process")
  func falseClaim() async {
    await #expect(processExitsWith: .failure) {
      let loop = try EventLoop()
      try loop.start()
      loop.preconditionIsolated()
    }
  }

  @Test("Tasks that do nothing but yield leave sockets, timers and work their turn")
  func yieldLoops() async throws {
    try await withLoop { loop in
      let notes = Notes<String>()
      let pair = try SocketPair()
      let tasks = (0..<3).map { _ in
        Task(executorPreference: loop) { while !Task.isCancelled { await Task.yield() } }
      }
      let timer = try await loop.perform {
        let timer = LoopTimer { notes.append("timer") }
        loop.schedule(timer, after: .milliseconds(1))
        let source = TestSource { source, _ in
          loop.remove(source, descriptor: pair.near)
          notes.append("socket")
        }
        try loop.add(source, descriptor: pair.near, interest: .readable)
        return Unchecked(timer)
      }

      pair.poke()
      loop.submit { notes.append("work") }
      await notes.reach(3)
      for task in tasks { task.cancel() }
      for task in tasks { await task.value }

      #expect(Set(notes.all) == ["socket", "timer", "work"])
      withExtendedLifetime(timer) {}
    }
  }

  // MARK: Stop

  @Test("What was queued before a stop still runs, and the loop then lets go of everything")
  func stop() async throws {
    let notes = Notes<String>()
    do {
      let kernel = WitnessKernel { notes.append("released") }
      let loop = try EventLoop(kernel: kernel)
      try loop.start()
      loop.submit { notes.append("work") }
      Task(executorPreference: loop) { notes.append("task") }
      loop.workers.run(ClosureTask { _ in notes.append("handler") })
      loop.stop()
      loop.stop()
    }
    await notes.reach(4)

    #expect(Set(notes.all.prefix(3)) == ["work", "task", "handler"])
    #expect(notes.all.last == "released")
  }

  @Test("What comes after the end runs all the same, and nobody waits for ever")
  func afterTheEnd() async throws {
    let loop = try await stoppedLoop()
    let notes = Notes<Int>()

    loop.submit { notes.append(1) }
    loop.submit { notes.append(2) }
    let value = await Task(executorPreference: loop) {
      await Task.yield()
      return 3
    }.value

    #expect(notes.all == [1, 2])
    #expect(value == 3)
  }

  @Test("After the end an actor on the loop is still isolated, and runs one job at a time")
  func isolationAfterTheEnd() async throws {
    let loop = try await stoppedLoop()
    let actor = LoopActor(on: loop)

    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask { @concurrent in for _ in 0..<1_000 { await actor.increment() } }
      }
    }

    #expect(await actor.count == 8_000)
  }

  @Test("A handler that waits over the end of its loop goes on when it may")
  func handlerOverTheEnd() async throws {
    let notes = Notes<String>()
    let gate = Notes<Void>()
    let loop = try EventLoop()
    try loop.start()
    loop.submit {
      loop.workers.run(
        ClosureTask { _ in
          notes.append("begin")
          await gate.reach(1)
          notes.append("end")
        })
    }
    await notes.reach(1)
    try await end(loop)

    gate.append(())
    await notes.reach(2)

    #expect(notes.all == ["begin", "end"])
  }

  // MARK: Flush

  @Test("What is marked dirty is flushed once a turn, after the work that marked it")
  func flush() async throws {
    try await withLoop { loop in
      let notes = Notes<String>()

      try await loop.perform {
        let flushable = TestFlushable { _ in notes.append("flush") }
        for _ in 0..<3 { loop.markDirty(flushable) }
        notes.append("marked")
      }
      try await loop.perform { notes.append("next turn") }

      #expect(notes.all == ["marked", "flush", "next turn"])
    }
  }

  @Test("A flush that makes itself dirty again does not keep the loop from its work")
  func endlessFlush() async throws {
    try await withLoop { loop in
      let notes = Notes<Int>()

      try await loop.perform {
        let flushable = TestFlushable { flushable in
          if notes.count == 0 { loop.markDirty(flushable) }
        }
        loop.markDirty(flushable)
      }
      loop.submit { notes.append(1) }
      await notes.reach(1)
      await loop.becomeIdle()

      #expect(notes.count == 1)
    }
  }

  // MARK: Watchdog

  @Test("A turn that takes long is told to those who asked, until they ask no more")
  func longTurn() async throws {
    let clock = ManualClock()
    try await withLoop(clock: clock) { loop in
      let observer = TestObserver()
      try await loop.perform { loop.addLongTurnObserver(observer) }
      try await loop.perform {}
      #expect(observer.lengths.all.isEmpty)

      try await longTurn(on: loop, clock, .seconds(2))
      await observer.lengths.reach(1)
      try await loop.perform { loop.removeLongTurnObserver(observer) }
      try await longTurn(on: loop, clock, .seconds(3))
      await loop.becomeIdle()

      #expect(observer.lengths.all == [2_000_000_000])
    }
  }

  /// Keeps the loop in one turn until its clock has moved.
  private func longTurn(on loop: EventLoop, _ clock: ManualClock, _ length: Duration) async throws {
    try await loop.perform {
      let before = clock.nanoseconds
      Task.detached { await clock.advance(by: length) }
      while clock.nanoseconds == before { sched_yield() }
    }
  }

  // MARK: Helpers

  private func stoppedLoop() async throws -> EventLoop {
    let loop = try EventLoop()
    try loop.start()
    try await end(loop)
    return loop
  }

  /// Stops a loop and waits until it has ended.
  private func end(_ loop: EventLoop) async throws {
    loop.stop()
    while !loop.hasStopped { await Task.yield() }
  }
}

struct Unchecked<Value>: @unchecked Sendable {
  // `@unchecked Sendable` because the test only keeps the value alive.
  let value: Value
  init(_ value: Value) { self.value = value }
}

final class WitnessKernel: Kernel, @unchecked Sendable {
  // `@unchecked Sendable` as its superclass.
  private let onEnd: @Sendable () -> Void
  init(_ onEnd: @escaping @Sendable () -> Void) { self.onEnd = onEnd }
  deinit { onEnd() }
}

final class TestFlushable: Flushable, @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it.
  var isDirty = false
  private let onFlush: (TestFlushable) -> Void
  init(_ onFlush: @escaping (TestFlushable) -> Void) { self.onFlush = onFlush }
  func flush() { onFlush(self) }
}

final class TestObserver: LongTurnObserver, Sendable {
  let lengths = Notes<Int64>()
  func noteLongTurn(nanoseconds: Int64) { lengths.append(nanoseconds) }
}

/// A handler that is a closure.
final class ClosureTask: LoopTask, Sendable {
  private let body: @Sendable (Worker) async -> Void
  init(_ body: @escaping @Sendable (Worker) async -> Void) { self.body = body }
  func willRun(on worker: Worker) -> LoopTaskBody? {
    let body = body
    let run: LoopTaskBody = { _ in await body(worker) }
    return run
  }

  func didRun(_ error: (any Error)?) {}
}

/// A task that has nothing to do any more when its turn comes.
final class EmptyTask: LoopTask {
  private let onTurn: () -> Void
  init(_ onTurn: @escaping () -> Void) { self.onTurn = onTurn }

  func willRun(on worker: Worker) -> LoopTaskBody? {
    onTurn()
    return nil
  }

  func didRun(_ error: (any Error)?) { Issue.record("It did not run.") }
}
