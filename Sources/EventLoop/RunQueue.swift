/// First in, first out; its memory is kept. Belongs to one thread, or to whoever holds a lock.
///
/// A class over memory of its own and not an array: an array that is a property of a class pays
/// for an exclusivity check at run time with each change, and these lists change for each call.
@safe final class RunQueue<Element> {
  /// A ring; the capacity is a power of two.
  private var memory: UnsafeMutablePointer<Element>
  private var mask: Int
  private var head = 0
  private var length = 0

  init() {
    let capacity = 16
    unsafe memory = .allocate(capacity: capacity)
    mask = capacity - 1
  }

  deinit {
    while popFirst() != nil {}
    unsafe memory.deallocate()
  }

  var count: Int { length }
  var isEmpty: Bool { length == 0 }

  func append(_ element: Element) {
    if length > mask { grow() }
    unsafe (memory + ((head + length) & mask)).initialize(to: element)
    length += 1
  }

  func popFirst() -> Element? {
    if length == 0 { return nil }
    let element = unsafe (memory + head).move()
    head = (head + 1) & mask
    length -= 1
    return element
  }

  func popLast() -> Element? {
    if length == 0 { return nil }
    length -= 1
    return unsafe (memory + ((head + length) & mask)).move()
  }

  func moveAll(to other: RunQueue) {
    // Mostly there is nothing in the other one, and then the memory changes hands.
    if other.isEmpty { return swap(with: other) }
    while let element = popFirst() { other.append(element) }
  }

  private func swap(with other: RunQueue) {
    let (ourMemory, ourMask) = unsafe (memory, mask)
    let (ourHead, ourLength) = (head, length)
    unsafe memory = other.memory
    mask = other.mask
    head = other.head
    length = other.length
    unsafe other.memory = ourMemory
    other.mask = ourMask
    other.head = ourHead
    other.length = ourLength
  }

  private func grow() {
    let capacity = 2 * (mask + 1)
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    for index in 0..<length {
      unsafe (larger + index).moveInitialize(from: memory + ((head + index) & mask), count: 1)
    }
    unsafe memory.deallocate()
    unsafe memory = larger
    mask = capacity - 1
    head = 0
  }
}
