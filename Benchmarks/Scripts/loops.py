"""Two loops against one: what a second loop costs a server when the load stays the same."""
import concurrent.futures
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile

from harness import OUT, Server, cpu_microseconds, fail, load, progress, run, started, stop_all
from tables import Table, ratios

RATE = 20_000
CONNECTIONS = 10
PACED = ["--rps", RATE // CONNECTIONS]
# Name -> connections, calls at once on each, what h2load is told besides, calls.
LOADS = {
    f"{RATE:,} calls/s": (CONNECTIONS, 100, PACED, 60_000),
    "as fast as it goes": (CONNECTIONS, 100, [], 300_000),
    "one call at a time": (1, 1, [], 30_000),
}


def command(binary, loops):
    return [binary, "--codec", "protobuf", "--loops", loops]


def two_loops(binary, options):
    progress("One loop and two")
    servers = started({"1 loop": command(binary, 1), "2 loops": command(binary, 2)},
                      options.server_cores)
    table = Table(
        f"Two loops against one, server on cores {names(options.server_cores)}, h2load on "
        f"{names(options.client_cores)}, {CONNECTIONS} connections (1 where calls come one at a "
        "time); ratios of two loops to one:", ["load", "figure"])
    try:
        for name, (connections, streams, more, calls) in LOADS.items():
            threads = ["-t", min(len(options.client_cores), connections)]
            cpu, switches = take_turns(
                servers, (connections, streams), options.share(calls), threads, more, options)
            table.row([name, "CPU of a call"], ratios(*cpu), 1.10)
            for server, values in zip(servers, switches):
                table.row([name, f"context switches in 1,000 calls, {server.name}"], values)
            table.row([name, "context switches"], ratios(*switches), 1.0)
        compare_processes(table, servers[1], binary, options)
        count_futexes(table, servers, options)
    finally:
        stop_all(servers)
    count_instructions(table, binary, options)
    explain(table, options)
    return table


def explain(table, options):
    if set(options.server_cores) & set(options.client_cores):
        table.note(
            "Two loops need two cores, and here the load generator shares one of them: the loop on "
            "that core waits for it, and it for the loop. On a machine with more cores loops can "
            "be alone: `bench-scaling --server-cores 2,3 --client-cores 4,5`.")
    table.note(
        "Each loop goes to sleep and wakes up on its own: calls that come at one moment wake one "
        "loop once, and two loops twice. What that comes to for two processes of one loop each, "
        "which share nothing, is in their rows. One loop that waits for another would show as "
        "futex calls; callgrind runs one thread at a time and cannot show it.")


def names(cores):
    return ", ".join(map(str, cores))


def take_turns(servers, shape, calls, threads, more, options):
    """CPU of a call in microseconds, and context switches in 1,000 calls; of each server."""
    cores = set(options.client_cores)
    cpu, switches = [[] for _ in servers], [[] for _ in servers]
    for server in servers:
        load(server, cores, calls // 6, *shape, more=threads)
    for _ in range(options.runs):
        for index, server in enumerate(servers):
            before = server.context_switches()
            cpu[index].append(cpu_microseconds(
                server, cores, calls=calls, connections=shape[0], streams=shape[1],
                more=[*threads, *more]))
            switches[index].append((server.context_switches() - before) * 1000 / calls)
    return cpu, switches


def compare_processes(table, two, binary, options):
    """Two loops in one process, and in two processes; each half of the load has its own h2load."""
    processes = started({"first": command(binary, 1), "second": command(binary, 1)},
                        options.server_cores)
    calls = options.share(60_000)
    counts = {"2 loops": [], "2 processes": []}
    cpu = {name: [] for name in counts}

    def half(server):
        load(server, set(options.client_cores), calls // 2, CONNECTIONS // 2, 100, more=PACED)

    def used(servers):
        return [sum(values) for values in zip(*(
            (server.context_switches(), server.cpu_seconds()) for server in set(servers)))]

    try:
        with concurrent.futures.ThreadPoolExecutor(2) as halves:
            for _ in range(options.runs):
                for name, pair in (("2 loops", [two, two]), ("2 processes", processes)):
                    before = used(pair)
                    list(halves.map(half, pair))
                    after = used(pair)
                    counts[name].append((after[0] - before[0]) * 1000 / calls)
                    cpu[name].append(after[1] - before[1])
    finally:
        stop_all(processes)
    label = f"{RATE:,} calls/s, by two h2loads"
    table.row([label, "CPU of a call, 2 loops to 2 processes"],
              ratios(cpu["2 processes"], cpu["2 loops"]))
    for name, values in counts.items():
        table.row([label, f"context switches in 1,000 calls, {name}"], values)
    table.row([label, "context switches, 2 loops to 2 processes"],
              ratios(counts["2 processes"], counts["2 loops"]))


def count_futexes(table, servers, options):
    if not shutil.which("strace"):
        table.note("Futex calls are not counted: there is no `strace`.")
        return
    for name, (connections, streams, more, calls) in LOADS.items():
        counts = [futexes(server, (connections, streams), options.share(calls) // 2, more, options)
                  for server in servers]
        for server, count in zip(servers, counts):
            table.row([f"{name}, under strace", f"futex calls in 1,000 calls, {server.name}"],
                      [count], counts[0] if server is servers[1] else None)


def futexes(server, shape, calls, more, options):
    """In 1,000 calls. Tracing slows the server, so nothing else is measured meanwhile."""
    report = OUT / "strace.txt"
    tracer = subprocess.Popen(
        ["strace", "-c", "-f", "-o", report, "-p", str(server.process.pid)],
        stderr=subprocess.PIPE, text=True)
    try:
        # It says so when it is attached to all threads.
        tracer.stderr.readline()
        load(server, set(options.client_cores), calls, *shape, more=more)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
    counts = {}
    for line in report.read_text().splitlines():
        # Share of time, seconds, microseconds a call, calls, errors if there were any, name.
        words = line.split()
        if len(words) >= 5 and words[3].isdigit():
            counts[words[-1]] = int(words[3])
    # A count of nothing must not pass for a good one.
    if not counts.get("epoll_wait"):
        fail(f"strace saw no epoll_wait of {server.name}:\n{report.read_text()}")
    return counts.get("futex", 0) * 1000 / calls


def count_instructions(table, binary, options):
    if not shutil.which("valgrind"):
        table.note("Instructions are not counted: there is no `valgrind`.")
        return
    progress("Instructions, under callgrind")
    one, two = [], []
    for _ in range(1 if options.quick else 3):
        one.append(instructions(binary, 1, options))
        two.append(instructions(binary, 2, options))
    table.row(["as fast as it goes, under callgrind", "instructions of a call"],
              ratios(one, two), 1.02)
    table.note(f"Instructions of a call: {statistics.median(one):,.0f} on one loop, "
               f"{statistics.median(two):,.0f} on two.")


def instructions(binary, loops, options):
    """Of a call: the difference of two loads, since both hold the start of the server."""
    sizes = (options.share(12_000) // 6, options.share(12_000))
    counts = []
    with tempfile.TemporaryDirectory() as folder:
        stripped, report = pathlib.Path(folder) / "server", pathlib.Path(folder) / "report"
        # Valgrind cannot read the debug information that Swift's compiler writes.
        run(["strip", "-g", "-o", stripped, binary])
        for calls in sizes:
            server = Server("callgrind", [
                "valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={report}",
                *command(stripped, loops)], options.server_cores)
            try:
                load(server, set(options.client_cores), calls, CONNECTIONS, 100)
                # It writes its report when the server has ended by itself.
                server.process.send_signal(signal.SIGTERM)
                server.process.wait(60)
            finally:
                server.stop()
            total = re.search(r"^totals: (\d+)", report.read_text(errors="replace"), re.MULTILINE)
            counts.append(int(total[1]))
    return (counts[1] - counts[0]) / (sizes[1] - sizes[0])
