import Testing

@testable import TernEventLoop

@Suite("Worker pool", .timeLimit(.minutes(2)))
struct WorkerPoolTests {
  /// Runs a handler and waits until it has begun.
  private func run(
    on loop: EventLoop, _ body: @escaping @Sendable (Worker) async -> Void
  ) async throws -> Worker {
    let begun = Notes<Worker>()
    loop.submit {
      loop.workers.run(
        ClosureTask { worker in
          begun.append(worker)
          await body(worker)
        })
    }
    await begun.reach(1)
    return begun.all[0]
  }

  @Test("Handlers that do not wait share one task, one after another")
  func reuse() async throws {
    try await withLoop { loop in
      var workers: Set<ObjectIdentifier> = []

      for _ in 0..<20 {
        workers.insert(ObjectIdentifier(try await run(on: loop) { _ in }))
        await loop.becomeIdle()
      }

      #expect(workers.count == 1)
    }
  }

  @Test("Handlers that become ready together run in their order, on one task, in one turn")
  func batch() async throws {
    try await withLoop { loop in
      let notes = Notes<(Int, ObjectIdentifier)>()

      try await loop.perform {
        for index in 0..<100 {
          loop.workers.run(ClosureTask { notes.append((index, ObjectIdentifier($0))) })
        }
        loop.submit { notes.append((100, ObjectIdentifier(loop))) }
      }
      await notes.reach(101)

      #expect(notes.all.map(\.0) == Array(0...100))
      #expect(Set(notes.all.dropLast().map(\.1)).count == 1)
    }
  }

  @Test("A task that has nothing to do any more is passed over")
  func nothingToDo() async throws {
    try await withLoop { loop in
      let notes = Notes<Int>()

      try await loop.perform {
        loop.workers.run(EmptyTask { notes.append(1) })
        loop.workers.run(ClosureTask { _ in notes.append(2) })
      }
      await notes.reach(2)

      #expect(notes.all == [1, 2])
    }
  }

  @Test("A handler that waits keeps its task, and others get another one")
  func waiting() async throws {
    try await withLoop { loop in
      let gate = Notes<Void>()
      let ends = Notes<ObjectIdentifier>()

      let first = try await run(on: loop) { worker in
        await gate.reach(1)
        ends.append(ObjectIdentifier(worker))
      }
      let second = try await run(on: loop) { _ in }
      gate.append(())
      await ends.reach(1)

      #expect(first !== second)
      #expect(ends.all == [ObjectIdentifier(first)])
    }
  }

  @Test("Hundreds of handlers may wait at once, and all of them end")
  func manyWaiting() async throws {
    try await withLoop { loop in
      let gate = Notes<Void>()
      let ends = Notes<Void>()

      for _ in 0..<500 {
        _ = try await run(on: loop) { _ in
          await gate.reach(1)
          ends.append(())
        }
      }
      gate.append(())
      await ends.reach(500)
      _ = try await run(on: loop) { _ in ends.append(()) }
      await ends.reach(501)
    }
  }

  @Test("A cancel reaches the handler of its worker and no other")
  func cancel() async throws {
    try await withLoop { loop in
      let gate = Notes<Void>()
      let ends = Notes<String>()
      let first = try await run(on: loop) { _ in
        await gate.reach(1)
        ends.append("first \(Task.isCancelled)")
      }
      _ = try await run(on: loop) { _ in
        await gate.reach(2)
        ends.append("second \(Task.isCancelled)")
      }

      try await loop.perform { first.cancel() }
      gate.append(())
      await ends.reach(1)
      gate.append(())
      await ends.reach(2)

      #expect(ends.all == ["first true", "second false"])
    }
  }

  @Test("A worker that was cancelled takes no other handler")
  func noReuse() async throws {
    try await withLoop { loop in
      let first = try await run(on: loop) { $0.cancel() }
      await loop.becomeIdle()

      let ends = Notes<Bool>()
      let second = try await run(on: loop) { _ in ends.append(Task.isCancelled) }
      await ends.reach(1)

      #expect(first !== second)
      #expect(ends.all == [false])
    }
  }

  @Test("A cancel that comes before the task is known is applied when it is")
  func earlyCancel() async throws {
    try await withLoop { loop in
      let ends = Notes<Bool>()

      _ = try await run(on: loop) { worker in
        worker.cancel()
        await Task.yield()
        ends.append(Task.isCancelled)
      }
      await ends.reach(1)

      #expect(ends.all == [true])
    }
  }

  @Test("A cancel that comes after the handler's end does not reach the next handler")
  func lateCancel() async throws {
    try await withLoop { loop in
      let first = try await run(on: loop) { _ in }
      await loop.becomeIdle()

      try await loop.perform { first.cancel() }
      let ends = Notes<Bool>()
      let second = try await run(on: loop) { _ in ends.append(Task.isCancelled) }
      await ends.reach(1)

      #expect(first !== second)
      #expect(ends.all == [false])
    }
  }

  @TaskLocal static var label = "none"

  @Test("A handler sees no task-locals of whoever made its worker")
  func taskLocals() async throws {
    try await withLoop { loop in
      let labels = Notes<String>()

      await Self.$label.withValue("outer") {
        let task = Task(executorPreference: loop) {
          loop.workers.run(ClosureTask { _ in labels.append(Self.label) })
          loop.workers.pump()
        }
        await task.value
      }
      await labels.reach(1)

      #expect(labels.all == ["none"])
    }
  }
}
