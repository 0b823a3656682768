import Testing

@testable import TernEventLoop

@Suite("Event sources", .timeLimit(.minutes(2)))
struct SourceTests {
  @Test("A source that another one removed earlier in the same turn hears nothing")
  func staleEvent() async throws {
    try await withLoop { loop in
      let pairs = try (0..<2).map { _ in try SocketPair() }
      for pair in pairs { pair.poke() }
      let notes = Notes<String>()

      try await loop.perform {
        let sources = Box<[TestSource]>([])
        sources.value = pairs.map { _ in
          TestSource { source, _ in
            for (other, pair) in zip(sources.value, pairs) {
              loop.remove(other, descriptor: pair.near)
            }
            notes.append("told")
            sources.value = []
          }
        }
        for (source, pair) in zip(sources.value, pairs) {
          try loop.add(source, descriptor: pair.near, interest: .readable)
        }
      }
      await notes.reach(1)
      await loop.becomeIdle()

      #expect(notes.all == ["told"])
    }
  }

  @Test("The successor in the place of a removed source does not hear its predecessor's event")
  func successor() async throws {
    try await withLoop { loop in
      let pairs = try (0..<2).map { _ in try SocketPair() }
      let silent = try SocketPair()
      for pair in pairs { pair.poke() }
      let notes = Notes<String>()

      try await loop.perform {
        let sources = Box<[TestSource]>([])
        sources.value = pairs.map { _ in
          TestSource { source, _ in
            for (other, pair) in zip(sources.value, pairs) {
              loop.remove(other, descriptor: pair.near)
            }
            sources.value = []
            notes.append("told")
            for _ in 0..<2 {
              let successor = TestSource { _, _ in notes.append("successor told") }
              // The same descriptor cannot be added twice: one of the two tries is enough.
              _ = Result { try loop.add(successor, descriptor: silent.near, interest: .readable) }
            }
          }
        }
        for (source, pair) in zip(sources.value, pairs) {
          try loop.add(source, descriptor: pair.near, interest: .readable)
        }
      }
      await notes.reach(1)
      await loop.becomeIdle()
      #expect(notes.all == ["told"])
      silent.poke()
      await notes.reach(2)

      #expect(notes.all.last == "successor told")
    }
  }

  @Test("What a source waits for can change, and it hears only of that")
  func interest() async throws {
    try await withLoop { loop in
      let pair = try SocketPair()
      let notes = Notes<Readiness>()
      let source = try await loop.perform {
        let source = TestSource { source, readiness in
          notes.append(readiness)
          loop.watch(source, descriptor: pair.near, for: [])
        }
        try loop.add(source, descriptor: pair.near, interest: .readable)
        return source
      }
      await loop.becomeIdle()
      #expect(notes.all.isEmpty)

      pair.poke()
      await notes.reach(1)
      try await loop.perform { loop.watch(source, descriptor: pair.near, for: .writable) }
      await notes.reach(2)
      await loop.becomeIdle()

      #expect(notes.all == [.readable, .writable])
      try await loop.perform {
        loop.remove(source, descriptor: pair.near)
        loop.remove(source, descriptor: pair.near)
        loop.watch(source, descriptor: pair.near, for: .readable)
      }
      await loop.becomeIdle()
      #expect(notes.count == 2)
    }
  }

  @Test("What was not read is reported again")
  func levelTriggered() async throws {
    try await withLoop { loop in
      let pair = try SocketPair()
      let notes = Notes<Int>()
      pair.poke()

      try await loop.perform {
        let source = TestSource { source, _ in
          if notes.count == 2 { pair.drain() }
          notes.append(notes.count)
        }
        try loop.add(source, descriptor: pair.near, interest: .readable)
      }
      await notes.reach(3)
      await loop.becomeIdle()

      #expect(notes.count == 3)
    }
  }

  @Test("A broken connection is reported unasked")
  func hangUp() async throws {
    try await withLoop { loop in
      let pair = try SocketPair()
      let notes = Notes<Readiness>()
      try await loop.perform {
        let source = TestSource { source, readiness in
          notes.append(readiness)
          loop.remove(source, descriptor: pair.near)
        }
        try loop.add(source, descriptor: pair.near, interest: [])
      }

      pair.hangUp()
      await notes.reach(1)

      #expect(!notes.all[0].isDisjoint(with: .hangUp))
    }
  }

  @Test("A descriptor that cannot be watched is an error, and its place is free again")
  func unwatchable() async throws {
    try await withLoop { loop in
      let pair = try SocketPair()
      let notes = Notes<Int>()

      let error = try await loop.perform {
        #expect(throws: SystemError.self) {
          try loop.add(TestSource { _, _ in }, descriptor: 1_000_000, interest: .readable)
        }
      }
      try await loop.perform {
        let source = TestSource { source, _ in
          loop.remove(source, descriptor: pair.near)
          notes.append(1)
        }
        try loop.add(source, descriptor: pair.near, interest: .readable)
      }
      pair.poke()
      await notes.reach(1)

      #expect(error?.call == "epoll_ctl")
      #expect(loop.sources.count == 1)
    }
  }
}

final class Box<Value>: @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it.
  var value: Value
  init(_ value: Value) { self.value = value }
}
