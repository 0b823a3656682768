"""All kinds of calls: what they cost a server, a client, and how long one takes."""
import json
import statistics
import sys

from harness import OUT, LIMIT, Server, fail, pinned, run
from tables import SPREAD, shown, spread

SERVER, CLIENT = 0, 1


class Figure:
    """One number that is measured for several programs in turns."""

    def __init__(self, title, unit, mode, operations, at_once, size):
        self.title = title
        self.unit = unit
        self.mode = mode
        self.operations = operations
        self.at_once = at_once
        self.size = size
        self.values = {}

    def add(self, name, value):
        self.values.setdefault(name, []).append(value)

    def median(self, name):
        return statistics.median(self.values[name])

    def ratio(self, name, other):
        return self.median(name) / self.median(other)

    def table(self, reference):
        """Rows with the spread, and the ratio to one of the programs."""
        lines = ["", f"{self.title}; {self.unit}:", "",
                 f"| | {SPREAD} | to {reference} |", "|---|---|---|---|---|"]
        for name, values in self.values.items():
            lines.append(
                f"| {name} | {spread(values, shown)} | {self.ratio(name, reference):.2f} |")
        return lines


# One figure for each kind of call. `operations` are for the quickest; see `patience`.
def figures(scale):
    def figure(title, mode, operations, at_once, size):
        return Figure(title, "CPU-µs", mode, max(at_once, int(operations * scale)), at_once, size)

    return [
        figure("Server streaming, messages of 16 bytes, 10 streams", "download", 1_000_000, 10, 16),
        figure("Server streaming, messages of 64 KiB, 1 stream", "download", 10_000, 1, 65_536),
        figure("Client streaming, messages of 16 bytes, 10 streams", "upload", 1_000_000, 10, 16),
        figure("Ping-pong in 100 streams, messages of 16 bytes", "chat", 100_000, 100, 16),
        figure("Unary echo of 1 MiB, 4 at once", "unary", 1_000, 4, 1 << 20),
    ]


def patience(name, operations, at_once):
    """Fewer operations for the slow ones, or one run of them would take as long as all others."""
    share = 40 if "Python" in name else 5 if "C++" in name else 1
    return max(at_once, operations // share)


def call(client, server, mode, operations, at_once, size, core, warm_up=None):
    """Runs a client; returns what it says."""
    words = [*client, "--address", f"127.0.0.1:{server.port}", "--mode", mode,
             "--calls", operations, "--at-once", at_once, "--bytes", size,
             "--warm-up", at_once if warm_up is None else warm_up]
    text = run(words, preexec_fn=pinned(core))
    try:
        return json.loads(text.strip().splitlines()[-1])
    except (ValueError, IndexError):
        fail(f"{client[0]} said {text!r}")


def measure_servers(commands, client, cores, options):
    """CPU of each server for each figure, with one client for all."""
    all_figures = figures(options.scale)
    for figure in all_figures:
        for _ in range(options.runs):
            for name, command in commands.items():
                with Server(name, with_answer(command, figure), cores[SERVER]) as server:
                    add_cost(figure, server, client, cores)
        print(f"bench: Servers: {figure.title}", file=sys.stderr)
    return all_figures


def add_cost(figure, server, client, cores):
    operations = patience(server.name, figure.operations, figure.at_once)
    shape = (figure.at_once, figure.size, cores[CLIENT])
    call(client, server, figure.mode, max(figure.at_once, operations // 10), *shape)
    before = server.cpu_seconds()
    call(client, server, figure.mode, operations, *shape)
    figure.add(server.name, (server.cpu_seconds() - before) * 1e6 / (operations + figure.at_once))


def with_answer(command, figure):
    """The C server answers unary calls with what it was given."""
    if figure.mode != "unary" or "--body" not in command:
        return command
    path = OUT / f"body-{figure.size}"
    path.write_bytes(framed_chunk(figure.size))
    command = list(command)
    command[command.index("--body") + 1] = path
    return command


def framed_chunk(size):
    """A Chunk behind gRPC's prefix."""
    length, rest = b"", size
    while rest > 127:
        length += bytes([rest & 127 | 128])
        rest >>= 7
    message = b"\x0a" + length + bytes([rest]) + bytes(size)
    return b"\0" + len(message).to_bytes(4, "big") + message


def measure_clients(clients, server_command, cores, options):
    """CPU of each client for a call, with one server for all."""
    all_figures = [
        Figure("Unary echo of 16 bytes, 100 at once", "CPU-µs a call", "unary",
               int(200_000 * options.scale), 100, 16),
        Figure("Server streaming, messages of 16 bytes, 10 streams", "CPU-µs a message",
               "download", int(1_000_000 * options.scale), 10, 16),
        Figure("Client streaming, messages of 16 bytes, 10 streams", "CPU-µs a message",
               "upload", int(1_000_000 * options.scale), 10, 16),
    ]
    with Server("C", server_command, cores[SERVER]) as server:
        for figure in all_figures:
            for _ in range(options.runs):
                for name, client in clients.items():
                    operations = patience(name, figure.operations, figure.at_once)
                    said = call(client, server, figure.mode, operations, figure.at_once,
                                figure.size, cores[CLIENT],
                                warm_up=max(figure.at_once, operations // 10))
                    figure.add(name, said["cpu"] * 1e6 / operations)
            print(f"bench: Clients: {figure.title}", file=sys.stderr)
    return all_figures


LARGE_BYTES = 8_000_000


def measure_memory(commands, client, cores):
    """How much more memory each server has at most, for one large message at a time."""
    figure = Figure("Memory for an echo of 8 MB", "in lengths of the message", "unary", 3, 1,
                    LARGE_BYTES)
    for name, command in commands.items():
        with Server(name, with_answer(command, figure), cores[SERVER]) as server:
            call(client, server, "unary", 1, 1, 16, cores[CLIENT])
            before = server.resident_kib("VmHWM")
            call(client, server, "unary", 3, 1, LARGE_BYTES, cores[CLIENT])
            figure.add(name, (server.resident_kib("VmHWM") - before) * 1024 / LARGE_BYTES)
    return figure


def measure_latency(pairs, cores, options):
    """How long calls take: alone, with both ends on one core, and when a server is half busy."""
    alone = int(20_000 * options.scale)
    figures = [
        Figure("One call at a time, both ends on one core: median", "µs", "unary", alone, 1, 16),
        Figure("The same: one call of a hundred takes longer than", "µs", "unary", alone, 1, 16),
        Figure("Two at a time, ends on a core each (servers are about half busy): median", "µs",
               "unary", 2 * alone, 2, 16),
        Figure("The same: one call of a hundred takes longer than", "µs", "unary", 2 * alone, 2, 16),
    ]
    places = [cores[SERVER], cores[SERVER]], [cores[SERVER], cores[CLIENT]]
    for _ in range(options.runs):
        for name, (command, client) in pairs.items():
            for (middle, late), place in zip((figures[:2], figures[2:]), places):
                with Server(name, command, place[SERVER]) as server:
                    operations = patience(name, middle.operations, middle.at_once)
                    said = call(client, server, "unary", operations, middle.at_once, 16,
                                place[CLIENT], warm_up=operations // 10)
                middle.add(name, said["p50_us"])
                late.add(name, said["p99_us"])
    print("bench: Latency", file=sys.stderr)
    return figures
