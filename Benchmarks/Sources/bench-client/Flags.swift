internal import Glibc

/// What the command line says: `--name value`, in any order.
struct Flags {
  var address = ""
  var roots: String?
  var mode = ""
  var operations = 0
  var atOnce = 1
  var bytes = 16
  var warmUp: Int?
  /// Callers run on the channel's loop, or in the global pool.
  var isOnLoop = true

  init(_ arguments: [String]) {
    var rest = arguments.dropFirst()
    while let name = rest.popFirst() {
      guard let value = rest.popFirst() else { Self.refuse("\(name) needs a value") }
      switch name {
      case "--address": address = value
      case "--ca": roots = value
      case "--mode": mode = value
      case "--calls": operations = Self.number(name, value)
      case "--at-once": atOnce = Self.number(name, value)
      case "--bytes": bytes = Self.number(name, value)
      case "--warm-up": warmUp = Self.number(name, value)
      case "--from": isOnLoop = Self.isLoop(value)
      default: Self.refuse("there is no option \(name)")
      }
    }
    if address.isEmpty || mode.isEmpty || operations < 1 || atOnce < 1 {
      Self.refuse("--address, --mode and --calls are needed")
    }
  }

  private static func number(_ name: String, _ value: String) -> Int {
    guard let number = Int(value), number >= 0 else { refuse("\(name) \(value) is no number") }
    return number
  }

  private static func isLoop(_ value: String) -> Bool {
    switch value {
    case "loop": true
    case "pool": false
    default: refuse("--from \(value) is neither loop nor pool")
    }
  }

  private static func refuse(_ reason: String) -> Never {
    complain(
      """
      \(reason); usage: bench-client --address HOST:PORT --mode unary|download|upload|chat \
      --calls N [--at-once N] [--bytes N] [--warm-up N] [--ca FILE] [--from loop|pool]
      """)
    exit(2)
  }
}

func complain(_ text: String) {
  let line = "bench-client: \(text)\n"
  unsafe line.withCString { text in _ = unsafe write(2, text, strlen(text)) }
}
