/// Names and values in the order in which they were added, in one run of memory.
///
/// A list of pairs of strings would cost two allocations a field; this costs none once its memory
/// has grown. It knows nothing of what the fields mean.
@safe package final class FieldBlock: @unchecked Sendable {
  // `@unchecked Sendable` because it is filled by one owner and not changed after it was shared.

  /// Where one field lies, counted from the block's first byte.
  private struct Place {
    var name: Int
    var nameCount: Int
    var value: Int
    var valueCount: Int
  }

  private let storage = ByteBuffer()
  /// A run of `Place`. Not an array: as a changing property of a class it would cost an exclusivity
  /// check at run time, each time.
  private let places = ByteBuffer()

  package init() {}

  package convenience init(_ fields: KeyValuePairs<String, String>) {
    self.init()
    for (name, value) in fields { append(name: name, value: value) }
  }

  package var count: Int { places.count / MemoryLayout<Place>.stride }
  package var isEmpty: Bool { places.isEmpty }
  /// All names and values together, in bytes.
  package var byteCount: Int { storage.count }

  package func append(name: String, value: String) {
    let nameStart = storage.count
    storage.append(name)
    let valueStart = storage.count
    storage.append(value)
    note(nameStart, valueStart)
  }

  package func append(name: String, value: [UInt8]) {
    let nameStart = storage.count
    storage.append(name)
    let valueStart = storage.count
    storage.append(contentsOf: value)
    note(nameStart, valueStart)
  }

  /// Adds bytes as base64.
  package func append(name: String, base64 value: [UInt8]) {
    let nameStart = storage.count
    storage.append(name)
    let valueStart = storage.count
    unsafe value.withUnsafeBytes { unsafe Base64.encode($0, into: storage) }
    note(nameStart, valueStart)
  }

  /// Adds text percent-coded, cut where the coded form would become longer than `maxBytes`.
  package func append(name: String, percentCoded value: String, maxBytes: Int) {
    let nameStart = storage.count
    storage.append(name)
    let valueStart = storage.count
    PercentCoding.encode(value, into: storage, maxBytes: maxBytes)
    note(nameStart, valueStart)
  }

  @unsafe package func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    let nameStart = storage.count
    unsafe storage.append(name)
    let valueStart = storage.count
    unsafe storage.append(value)
    note(nameStart, valueStart)
  }

  private func note(_ nameStart: Int, _ valueStart: Int) {
    let place = Place(
      name: nameStart, nameCount: valueStart - nameStart,
      value: valueStart, valueCount: storage.count - valueStart)
    unsafe places.reserve(MemoryLayout<Place>.stride).storeBytes(of: place, as: Place.self)
  }

  private func place(at index: Int) -> Place {
    let stride = MemoryLayout<Place>.stride
    return unsafe places.slice(at: index * stride, count: stride).loadUnaligned(as: Place.self)
  }

  /// The bytes of a name. Valid until the block changes.
  @unsafe package func name(at index: Int) -> UnsafeRawBufferPointer {
    let place = place(at: index)
    return unsafe storage.slice(at: place.name, count: place.nameCount)
  }

  /// The bytes of a value. Valid until the block changes.
  @unsafe package func value(at index: Int) -> UnsafeRawBufferPointer {
    let place = place(at: index)
    return unsafe storage.slice(at: place.value, count: place.valueCount)
  }

  package func nameText(at index: Int) -> String {
    unsafe String(decoding: name(at: index), as: UTF8.self)
  }

  /// The value as text; bytes that are not UTF-8 are repaired.
  package func valueText(at index: Int) -> String {
    unsafe String(decoding: value(at: index), as: UTF8.self)
  }

  package func removeAll() {
    storage.removeAll(keepingAtMost: 4 << 10)
    places.removeAll(keepingAtMost: 4 << 10)
  }
}
