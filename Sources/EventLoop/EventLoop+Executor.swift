extension EventLoop {
  /// Queues a job of Swift's concurrency. On the loop's thread this is a plain append.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if isCurrent {
      jobs.append(job)
    } else {
      enqueueRemotely { remoteJobs.append(job) }
    }
  }

  public func checkIsolated() {
    precondition(isCurrent, "This must run on its event loop, and does not.")
  }

  public func isIsolatingCurrentContext() -> Bool? { isCurrent }
}
