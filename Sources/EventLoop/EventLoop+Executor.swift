extension EventLoop {
  /// Queues a job of Swift's concurrency. On the loop's thread this is a plain append.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if isCurrent {
      jobs.append(job)
    } else if !enqueueRemotely({ remoteJobs.append(job) }) {
      // The loop has stopped. A job that never runs would leave its task waiting for ever.
      unsafe job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }

  public func checkIsolated() {
    precondition(isCurrent, "This must run on its event loop, and does not.")
  }

  public func isIsolatingCurrentContext() -> Bool? { isCurrent }
}
