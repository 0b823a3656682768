/// What is done for a task, on the loop as part of a worker's task; it gets the task itself.
///
/// A function and not a method of the task, so that no function of asynchronous code only forwards
/// to another: each such step costs a call a hundred nanoseconds.
package typealias LoopTaskBody = nonisolated(nonsending) @Sendable (AnyObject) async throws -> Void

/// What a worker runs: one handler's call.
package protocol LoopTask: AnyObject {
  /// The worker begins with it. `worker` is the way to cancel it.
  ///
  /// - Returns: What to do; `nil` if there is nothing to do any more.
  func willRun(on worker: Worker) -> LoopTaskBody?
  /// The body has returned, or thrown.
  func didRun(_ error: (any Error)?)
}

/// One task of a loop that runs handlers, one after another.
@safe package final class Worker: @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it.
  fileprivate var task: Task<Void, Never>?
  private var mustCancel = false
  private let scope: WorkerScope
  /// The references to `scope` that the worker has itself.
  private var ownReferenceCount: UInt = 0
  /// The identity of the same task.
  private var identity: UInt = 0

  init(clock: EventLoopClock) { scope = WorkerScope(clock: clock) }

  /// A handler begins that has to be over at `deadline`, on the loop's clock.
  package func beginScope(deadline: Int64?) { scope.begin(deadline: deadline) }

  fileprivate nonisolated(nonsending) func bindScope(
    _ body: nonisolated(nonsending) () async -> Void
  ) async {
    await scope.bind {
      ownReferenceCount = _getRetainCount(scope)
      await body()
    }
  }

  /// Whether a task that outlives its handler still refers to the scope: the next handler's deadline
  /// must not become that of a task which has nothing to do with it.
  fileprivate var mustRetire: Bool { _getRetainCount(scope) > ownReferenceCount }

  /// The task has begun to run.
  fileprivate func noteCurrentTask() {
    identity = Self.currentIdentity
  }

  /// Whether the caller runs in this very task, and not in a child of it or elsewhere. Nobody but
  /// the loop cancels a worker's task.
  package var isCurrentTask: Bool { Self.currentIdentity == identity }

  /// Read as a number: to copy an optional `UnsafeCurrentTask`, a type of a resilient library, costs
  /// 200 instructions, and to compare two of them 800, each time that a handler waits for a message.
  private static var currentIdentity: UInt {
    unsafe withUnsafeCurrentTask { task in
      unsafe withUnsafeBytes(of: task) { unsafe $0.load(as: UInt.self) }
    }
  }

  /// Cancels the task, and with it what it runs now. It ends when that has ended: a cancelled
  /// task stays cancelled, so it cannot run another handler.
  package func cancel() {
    mustCancel = true
    task?.cancel()
  }

  fileprivate func start(_ task: Task<Void, Never>) {
    self.task = task
    // Given up in the meantime.
    if mustCancel { task.cancel() }
  }

  fileprivate var isCancelled: Bool { mustCancel }
}

/// The tasks of a loop that run handlers.
///
/// Making a task costs a handler that does not wait a fifth of its call. So tasks are kept: a
/// handler that waits keeps its task, the next call gets another one, and a task whose handler has
/// ended takes the next call.
@safe package final class WorkerPool: @unchecked Sendable {
  // `@unchecked Sendable` because only its loop touches it.

  /// Tasks kept though they have nothing to do: as many as handlers wait at once in a busy moment.
  private static let maxIdle = 128

  // `unowned(unsafe)` because the loop owns the pool.
  private unowned(unsafe) var loop: EventLoop?
  private let ready = RunQueue<any LoopTask>()
  private let idle = RunQueue<Waiter>()
  private var isRetiring = false

  /// The loop that owns the pool; before the first task.
  func attach(to loop: EventLoop) { unsafe self.loop = loop }

  var hasReadyTasks: Bool { !ready.isEmpty }

  /// Runs `task` on a worker in this turn. On the loop only.
  package func run(_ task: any LoopTask) { ready.append(task) }

  /// Sets one worker to work, if there is something to do. It takes all that is ready until a
  /// handler waits; so one is enough until the jobs have run, and more would only be made in vain.
  func pump() {
    while hasReadyTasks {
      if let worker = idle.popLast() {
        unsafe worker.resume()
        return
      }
      makeWorker()
    }
  }

  private func makeWorker() {
    guard let clock = unsafe loop?.clock else { return }
    let worker = Worker(clock: clock)
    // Detached and not `Task.immediate`, which would inherit the task-locals of whoever runs now.
    let task = unsafe Task.immediateDetached(executorPreference: loop) { [self] in
      await work(as: worker)
    }
    worker.start(task)
  }

  private nonisolated(nonsending) func work(as worker: Worker) async {
    worker.noteCurrentTask()
    await worker.bindScope { await serve(as: worker) }
  }

  private nonisolated(nonsending) func serve(as worker: Worker) async {
    while true {
      // A new worker waits as well before its first handler. What runs within
      // `Task.immediateDetached` counts as being on the global pool, so a handler that is to go
      // there would stay on the loop; a job of the loop counts as being on the loop.
      await unsafe withUnsafeContinuation { unsafe idle.append(Waiter($0)) }
      // Asked before each handler: one may have been cancelled after its handler's end.
      while !worker.isCancelled, let task = ready.popFirst() {
        guard let body = task.willRun(on: worker) else { continue }
        do {
          try await body(task)
          task.didRun(nil)
        } catch {
          task.didRun(error)
        }
        if worker.mustRetire { return }
      }
      if worker.isCancelled || isRetiring { return }
      if idle.count >= Self.maxIdle { return }
    }
  }

  /// Lets all idle workers end.
  ///
  /// - Returns: Whether there were any.
  func retireAll() -> Bool {
    isRetiring = true
    let hasIdle = !idle.isEmpty
    while let worker = idle.popLast() { unsafe worker.resume() }
    return hasIdle
  }
}
