import TestSupport
import TernClient
import TernCore

/// A call that chance has chosen: what its handler does, and how its client leaves it.
struct StressCall: Sendable {
  enum HandlerPlan: UInt8, CaseIterable {
    /// Answers each message at once.
    case echo
    /// The same with a pause before each, in which others run.
    case pause
    /// Answers the first message, and reads no more.
    case endEarly
    case fail
    /// Waits until nobody waits for it any more.
    case hang
  }

  enum ClientPlan: Sendable {
    case toTheEnd
    /// Cancels its task when others have had so many turns.
    case cancel(turns: Int)
    case timeout(Duration)
    /// Leaves the loop over the responses behind so many.
    case leave(messages: Int)
  }

  let id: UInt32
  let kind: CallKind
  let handler: HandlerPlan
  let client: ClientPlan
  let messageCount: Int
  let messageBytes: Int
  /// Whether an interceptor sends it, and once more if it was aborted.
  let isIntercepted: Bool

  init(id: UInt32, using numbers: inout SeededGenerator) {
    self.id = id
    kind = CallKind.all.randomElement(using: &numbers)!
    messageCount =
      kind.hasRequestStream || kind.hasResponseStream ? Int.random(in: 1...6, using: &numbers) : 1
    // Mostly short; some so long that windows and watermarks have a say.
    messageBytes =
      Int.random(in: 0..<10, using: &numbers) == 0
      ? Int.random(in: 10_000...200_000, using: &numbers) : 16
    isIntercepted = Bool.random(using: &numbers)
    let handler = HandlerPlan.allCases.randomElement(using: &numbers)!
    let client: ClientPlan
    switch Int.random(in: 0..<6, using: &numbers) {
    case 0: client = .cancel(turns: Int.random(in: 0...40, using: &numbers))
    case 1: client = .timeout(.microseconds(Int.random(in: 0...3_000, using: &numbers)))
    case 2: client = .leave(messages: Int.random(in: 0..<messageCount, using: &numbers))
    default: client = .toTheEnd
    }
    self.client = client
    // Nobody would ever end it.
    if case .hang = handler, case .toTheEnd = client {
      self.handler = .pause
    } else if case .hang = handler, case .leave = client {
      self.handler = .echo
    } else {
      self.handler = handler
    }
  }

  var options: CallOptions {
    var options = CallOptions()
    if case .timeout(let timeout) = client { options.timeout = timeout }
    if isIntercepted { options.interceptors = [Patient()] }
    return options
  }

  // MARK: Messages: the plan, whose they are, their number, and what makes them long

  static let headBytes = 7

  func message(_ number: Int) -> [UInt8] {
    let head = [handler.rawValue] + (0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * $0)) }
    let rest = [UInt8(number), UInt8(messageCount)]
    return head + rest + [UInt8](repeating: UInt8(truncatingIfNeeded: id), count: messageBytes)
  }

  var messages: [[UInt8]] { (0..<messageCount).map(message) }

  /// What a handler reads in a message; `nil` if it is none.
  struct Message: Equatable {
    let plan: HandlerPlan
    let id: UInt32
    let number: Int
    let count: Int

    init?(_ bytes: [UInt8]) {
      guard bytes.count >= StressCall.headBytes, let plan = HandlerPlan(rawValue: bytes[0]) else {
        return nil
      }
      self.plan = plan
      id = (0..<4).reduce(0) { $0 | UInt32(bytes[1 + $1]) << (8 * UInt32($1)) }
      number = Int(bytes[5])
      count = Int(bytes[6])
      // All of it is of the one call.
      let mark = UInt8(truncatingIfNeeded: id)
      guard bytes.dropFirst(StressCall.headBytes).allSatisfy({ $0 == mark }) else { return nil }
    }
  }

  // MARK: What may come of it

  /// The statuses with which it may end. UNAVAILABLE may each: a server goes away, or takes many resets
  /// for an attack.
  var possibleEnds: Set<StatusCode> {
    var ends: Set<StatusCode> = [.unavailable]
    switch handler {
    case .echo, .pause, .endEarly: ends.insert(.ok)
    case .fail: ends.insert(.aborted)
    case .hang: break
    }
    switch client {
    case .toTheEnd: break
    case .cancel: ends.insert(.cancelled)
    case .timeout: ends.insert(.deadlineExceeded)
    case .leave: ends.insert(.ok)
    }
    return ends
  }
}

/// Sees all messages, lets others run before and behind the call, and sends an aborted one again.
private struct Patient: ClientInterceptor {
  func intercept(_ call: ClientCall, next: Next) async throws {
    let seen = Counter()
    call.onRequest { _ in seen.add() }
    call.onResponse { _ in seen.add() }
    await Task.yield()
    do {
      try await next()
    } catch let error as RPCError where error.code == .aborted && call.method.kind == .unary {
      try await next()
    }
    await Task.yield()
  }
}
