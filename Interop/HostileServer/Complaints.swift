internal import InteropFlags
internal import Synchronization

/// Says what clients did wrong, and remembers that they did.
final class Complaints: Sendable {
  private let hasSome = Atomic(false)

  var isEmpty: Bool { !hasSome.load(ordering: .acquiring) }

  @Sendable func add(_ error: any Error) {
    hasSome.store(true, ordering: .releasing)
    Program.complain("\(error)")
  }
}
