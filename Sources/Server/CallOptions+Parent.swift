public import TernCore

extension CallOptions {
  /// Options for a call that is made on behalf of another one, in a task that is no part of its
  /// handler: the call has to be over when that one has to.
  ///
  /// Calls in a handler itself, and in its child tasks, need none of this.
  public init(parent context: ServerContext) {
    self.init(timeout: context.timeRemaining)
  }
}
