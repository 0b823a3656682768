internal import COpenSSL
internal import TernBytes

/// How OpenSSL reads and writes: from the bytes that a session was handed, to its outbound buffer.
///
/// OpenSSL's own memory BIO would copy what comes once more, and keep the memory.
enum SessionBIO {
  // `nonisolated(unsafe)` because it is made once and never changed.
  nonisolated(unsafe) static let method: OpaquePointer? = {
    let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
    guard let method = unsafe BIO_meth_new(type, "tern session") else { return nil }
    unsafe BIO_meth_set_read_ex(method, readInput)
    unsafe BIO_meth_set_write_ex(method, writeOutput)
    unsafe BIO_meth_set_ctrl(method, control)
    return unsafe method
  }()
}

private func session(of bio: OpaquePointer?) -> TLSSession? {
  guard let bio = unsafe bio, let reference = unsafe BIO_get_data(bio) else { return nil }
  return unsafe Unmanaged<TLSSession>.fromOpaque(reference).takeUnretainedValue()
}

private func readInput(
  _ bio: OpaquePointer?, _ place: UnsafeMutablePointer<CChar>?, _ count: Int,
  _ readCount: UnsafeMutablePointer<Int>?
) -> Int32 {
  guard let place = unsafe place, let session = unsafe session(of: bio) else { return 0 }
  unsafe tern_bio_clear_retry_flags(bio)
  let available = unsafe session.input.count
  if available == 0 {
    unsafe tern_bio_set_retry_read(bio)
    return 0
  }
  let taken = min(count, available)
  unsafe UnsafeMutableRawBufferPointer(start: place, count: taken)
    .copyMemory(from: UnsafeRawBufferPointer(rebasing: session.input[..<taken]))
  unsafe session.input = UnsafeRawBufferPointer(rebasing: session.input[taken...])
  unsafe readCount?.pointee = taken
  return 1
}

private func writeOutput(
  _ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int,
  _ writtenCount: UnsafeMutablePointer<Int>?
) -> Int32 {
  guard let session = unsafe session(of: bio) else { return 0 }
  unsafe session.outbound.append(UnsafeRawBufferPointer(start: bytes, count: count))
  unsafe writtenCount?.pointee = count
  return 1
}

private func control(
  _ bio: OpaquePointer?, _ command: Int32, _ number: Int, _ pointer: UnsafeMutableRawPointer?
) -> Int {
  command == BIO_CTRL_FLUSH ? 1 : 0
}
