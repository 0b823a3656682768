internal import BenchProtos
internal import Glibc
internal import Tern

// Calls `bench.Echo` on one connection, as many times as it is told, and prints what that cost as
// JSON: `cpu` in seconds of this process, p50 and p99 of single operations.

func clock(_ clock: clockid_t) -> Int {
  var time = timespec()
  unsafe clock_gettime(clock, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

func now() -> Int { clock(CLOCK_MONOTONIC) }

/// Does `operations` in all, with `atOnce` callers.
func perform(
  _ operations: Int, _ flags: Flags, _ channel: GRPCChannel
) async throws -> [Int] {
  let load = Load(echo: Bench_Echo.Client(channel), bytes: flags.bytes)
  let mode = flags.mode
  return try await withThrowingTaskGroup { group in
    for number in 0..<flags.atOnce {
      let share = operations / flags.atOnce + (number < operations % flags.atOnce ? 1 : 0)
      if share == 0 { continue }
      group.addTask(executorPreference: flags.isOnLoop ? channel.executor : nil) {
        switch mode {
        case "unary": try await load.unary(share)
        case "download": try await load.download(share)
        case "upload": try await load.upload(share)
        case "chat": try await load.chat(share)
        default:
          throw RPCError(.invalidArgument, "There is no mode \(mode).")
        }
      }
    }
    var times: [Int] = []
    for try await some in group { times += some }
    return times
  }
}

func text(_ times: [Int], percent: Int) -> String {
  if times.isEmpty { return "null" }
  return "\(Double(times[(times.count - 1) * percent / 100]) / 1000)"
}

func main(_ flags: Flags) async throws {
  let credentials: ChannelCredentials =
    if let roots = flags.roots { .tls(roots: .file(roots), serverName: "localhost") } else {
      .insecure
    }
  var options = ChannelOptions()
  options.maxResponseMessageBytes = 16 << 20
  let channel = try GRPCChannel(flags.address, credentials: credentials, options: options)
  defer { channel.close() }
  _ = try await perform(
    flags.warmUp ?? max(flags.atOnce, flags.operations / 10), flags, channel)
  let (start, cpu) = (now(), clock(CLOCK_PROCESS_CPUTIME_ID))
  var times = try await perform(flags.operations, flags, channel)
  let seconds = Double(now() - start) / 1e9
  let cpuSeconds = Double(clock(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9
  times.sort()
  print(
    """
    {"operations": \(flags.operations), "seconds": \(seconds), "cpu": \(cpuSeconds), \
    "p50_us": \(text(times, percent: 50)), "p99_us": \(text(times, percent: 99))}
    """)
}

let flags = Flags(CommandLine.arguments)
Task.detached {
  do {
    try await main(flags)
    exit(0)
  } catch {
    complain("\(error)")
    exit(1)
  }
}
// An `await` here would end the main thread, which valgrind does not survive.
while true { pause() }
