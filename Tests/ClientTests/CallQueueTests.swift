import TernCore
import TernEventLoop
import Testing

@testable import TernClient
@testable import TernTransport

/// The order of calls that wait.
@Suite("Calls that wait")
struct CallQueueTests {
  private let calls = (0..<5).map { number in
    ClientStream(
      loop: EventLoopGroup.shared.leastLoaded(),
      descriptor: MethodDescriptor(service: "a.B", method: "\(number)", kind: .unary),
      options: CallOptions(), maxRequestMessageBytes: .max, maxResponseMessageBytes: .max)
  }

  private func order(_ queue: CallQueue) -> [String] {
    var order: [String] = []
    while let call = queue.popFirst() { order.append(call.descriptor.method) }
    return order
  }

  @Test("Who came first goes first; those that have waited already go in front")
  func order() {
    let queue = CallQueue()
    for call in calls[...2] { queue.append(call) }
    queue.putInFront(calls[3])
    #expect(queue.popFirst() === calls[3])
    queue.putInFront(calls[4])

    #expect(queue.count == 4)
    #expect(order(queue) == ["4", "0", "1", "2"])
    #expect(queue.isEmpty)
  }

  @Test("Those that were taken and have to stay are in front again, in their order")
  func putBack() {
    let queue = CallQueue()
    for call in calls { queue.append(call) }
    let taken = (0..<3).compactMap { _ in queue.popFirst() }

    queue.putBack([taken[0], taken[2]])

    #expect(queue.count == 4)
    #expect(order(queue) == ["0", "2", "3", "4"])
  }
}
