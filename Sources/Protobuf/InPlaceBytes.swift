internal import Glibc
public import SwiftProtobuf
public import TernBytes

/// Adds the message in Protobuf's binary form at the end of `buffer`. If it throws, what it added
/// is cut off again.
///
/// SwiftProtobuf creates the bytes it encodes into by itself, through an initialiser that knows
/// only how many there are. ``InPlaceBytes`` is such a type that takes them from a buffer; which
/// one, this function tells it by the thread.
///
/// Generic and not inlinable: `serializedBytes` is neither, so that a specialised copy of this
/// would gain nothing.
@usableFromInline
func encodeInPlace<Message: SwiftProtobuf.Message>(
  _ message: Message, into buffer: ByteBuffer
) throws {
  let countBefore = buffer.count
  // A hand-written message may encode another one while SwiftProtobuf measures it: that call puts
  // back what it found here.
  let outer = unsafe InPlaceBytes.setDestination(Unmanaged.passUnretained(buffer).toOpaque())
  defer { _ = unsafe InPlaceBytes.setDestination(outer) }
  do {
    let _: InPlaceBytes = try message.serializedBytes()
  } catch {
    buffer.truncate(to: countBefore)
    throw unencodable(Message.protoMessageName, cause: error)
  }
}

/// Bytes at the end of a ``ByteBuffer``, in the form in which SwiftProtobuf asks for bytes.
///
/// A value lives only inside of ``encodeInPlace(_:into:)``, during which nobody else touches the
/// buffer: so the memory stays where it is.
@safe struct InPlaceBytes: SwiftProtobufContiguousBytes {
  private let memory: UnsafeMutableRawBufferPointer

  // `repeating` is not obeyed: SwiftProtobuf fills all the bytes that it asked for.
  init(repeating: UInt8, count: Int) {
    guard let destination = unsafe pthread_getspecific(destinationKey) else {
      preconditionFailure("InPlaceBytes outside of encodeInPlace")
    }
    // Unretained: `encodeInPlace` holds the buffer for as long as this thread's entry is set.
    unsafe memory = Unmanaged<ByteBuffer>.fromOpaque(destination)
      ._withUnsafeGuaranteedRef { unsafe $0.reserve(count) }
  }

  init(_ sequence: some Sequence<UInt8>) {
    let bytes = Array(sequence)
    self.init(repeating: 0, count: bytes.count)
    unsafe memory.copyBytes(from: bytes)
  }

  var count: Int { unsafe memory.count }

  func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try unsafe body(UnsafeRawBufferPointer(memory))
  }

  mutating func withUnsafeMutableBytes<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try unsafe body(memory)
  }

  /// Says which buffer this thread encodes into, and returns which one it was before.
  static func setDestination(_ buffer: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    let before = unsafe pthread_getspecific(destinationKey)
    // It fails only without memory for the thread's first entry.
    let code = unsafe pthread_setspecific(destinationKey, buffer)
    precondition(code == 0, "out of memory: pthread_setspecific returned \(code)")
    return unsafe before
  }
}

/// The thread's entry that names the buffer to encode into. It holds no reference, so it needs no
/// destructor.
private let destinationKey: pthread_key_t = {
  var key = pthread_key_t()
  let code = unsafe pthread_key_create(&key, nil)
  // Once a process; there are 1,024 keys.
  precondition(code == 0, "pthread_key_create returned \(code)")
  return key
}()
