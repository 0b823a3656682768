internal import TernBytes

/// Small things that the values of fields consist of.
enum FieldText {
  /// One to nine digits, and nothing else. `nil` for all other texts.
  static func number(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard (1...9).contains(bytes.count) else { return nil }
    var number = 0
    for index in 0..<bytes.count {
      let digit = unsafe bytes[index]
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      number = number * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return number
  }

  static func isPost(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let post: UInt32 = 0x504F_5354  // The four letters.
    guard bytes.count == 4 else { return false }
    return unsafe UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)) == post
  }

  /// Whether a list of names, with commas and blanks between them, has this one. Makes no strings,
  /// because servers ask with each call.
  static func list(_ list: UnsafeRawBufferPointer, has name: String) -> Bool {
    var start = 0
    for index in 0...list.count {
      if unsafe index < list.count && list[index] != UInt8(ascii: ",") { continue }
      var end = index
      while unsafe start < end && isBlank(list[start]) { start += 1 }
      while unsafe end > start && isBlank(list[end - 1]) { end -= 1 }
      let entry = unsafe UnsafeRawBufferPointer(rebasing: list[start..<end])
      if unsafe entry.elementsEqual(name.utf8) { return true }
      start = index + 1
    }
    return false
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// What a peer sent, in quotes for an error text. Cut, because the text may travel back.
  static func quoted(_ bytes: UnsafeRawBufferPointer) -> String {
    let shown = unsafe UnsafeRawBufferPointer(rebasing: bytes.prefix(maxQuotedBytes))
    let more = shown.count < bytes.count ? "…" : ""
    return unsafe "'\(String(decoding: shown, as: UTF8.self))\(more)'"
  }

  private static let maxQuotedBytes = 100
}

/// A part of a buffer that keeps the texts of a call.
struct TextPlace {
  var offset: Int
  var count: Int
}

extension ByteBuffer {
  /// Adds a text and says where it lies.
  func keep(_ text: UnsafeRawBufferPointer) -> TextPlace {
    let offset = count
    unsafe append(text)
    return TextPlace(offset: offset, count: text.count)
  }

  func text(at place: TextPlace) -> String {
    unsafe String(decoding: slice(at: place.offset, count: place.count), as: UTF8.self)
  }
}
