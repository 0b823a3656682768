internal import Synchronization

/// What a worker's handler has to keep to, for the calls that it makes: its deadline.
///
/// One task-local, bound once a worker and not once a call, which would cost a tenth of a call; what
/// is in it changes with the call. Child tasks of a handler see it. An unstructured task sees it as
/// well and may outlive its call, so it does not count there: see `current`, and `Worker.mustRetire`.
@safe package final class WorkerScope: Sendable {
  @TaskLocal fileprivate static var inherited: WorkerScope?

  private static let none = Int64.max
  private let deadline = Atomic<Int64>(none)
  private let clock: EventLoopClock

  init(clock: EventLoopClock) { self.clock = clock }

  /// The scope of the handler that the current task is a part of.
  package static var current: WorkerScope? {
    guard let scope = inherited else { return nil }
    // Part of it are tasks that prefer an executor, as the worker does: an unstructured task does not
    // inherit that.
    let isPart = unsafe withUnsafeCurrentTask { unsafe $0?.unownedTaskExecutor != nil }
    return isPart ? scope : nil
  }

  /// How long the handler has, in nanoseconds; `nil`: as long as it takes. From any thread.
  package var remainingNanoseconds: Int64? {
    let moment = deadline.load(ordering: .relaxed)
    if moment == Self.none { return nil }
    return max(0, moment - clock.nanoseconds)
  }

  /// - Parameter nanoseconds: On the loop's clock.
  func begin(deadline nanoseconds: Int64?) {
    deadline.store(nanoseconds ?? Self.none, ordering: .relaxed)
  }

  /// Runs a worker's whole life with this scope.
  nonisolated(nonsending) func bind(_ body: nonisolated(nonsending) () async -> Void) async {
    await Self.$inherited.withValue(self) { await body() }
  }
}
