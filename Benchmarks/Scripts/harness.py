"""What the benchmarks share: building, servers on a core of their own, load, the machine."""
import datetime
import os
import pathlib
import platform
import re
import struct
import subprocess
import sys
import time

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent
OUT = BENCHMARKS / "out"
METHOD = "/bench.Echo/Unary"
# Sixteen bytes in field 1, as protobuf writes them, behind gRPC's prefix of five bytes.
PAYLOAD = bytes([0x0A, 16]) + b"0123456789abcdef"
BODY = struct.pack(">BI", 0, len(PAYLOAD)) + PAYLOAD
HEADERS = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
LIMIT = "C, nghttp2 + epoll"
CERTIFICATES = BENCHMARKS.parent / "Certs/out"
TLS = ["--cert", CERTIFICATES / "server-chain.crt", "--key", CERTIFICATES / "server.key"]


def fail(reason):
    sys.exit(f"bench: {reason}")


def progress(text):
    print(f"bench: {text}", file=sys.stderr)


def run(command, **options):
    done = subprocess.run(
        [str(word) for word in command], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, errors="replace", **options)
    if done.returncode != 0:
        fail(f"{command[0]} failed ({done.returncode}):\n{done.stdout[-4000:]}")
    return done.stdout


def build_c():
    """Builds the C programs; returns the server's command."""
    OUT.mkdir(exist_ok=True)
    warnings = ["-O2", "-Wall", "-Wextra", "-Werror"]
    libraries = ["-lnghttp2", "-lssl", "-lcrypto"]
    shared = [BENCHMARKS / "c-server" / name for name in ("connection.c", "messages.c", "tls.c")]
    for program, files in [("c-server", ("c-server.c", "methods.c")),
                           ("c-client", ("c-client.c", "calls.c"))]:
        own = [BENCHMARKS / program / name for name in files]
        run(["cc", *warnings, *own, *shared, *libraries, "-o", OUT / program])
    run(["cc", *warnings, "-shared", "-fPIC", BENCHMARKS / "malloc-counter/malloc-counter.c",
         "-o", OUT / "malloc-counter.so"])
    run(["cc", *warnings, BENCHMARKS / "tls-alone/tls-alone.c", "-lssl", "-lcrypto", "-o",
         OUT / "tls-alone"])
    (OUT / "body").write_bytes(BODY)
    return [OUT / "c-server", "--body", OUT / "body"]


def build_ours():
    """Builds our server and client; returns their paths."""
    progress("Building bench-server and bench-client (release)")
    # With Swift's runtime linked in, as services are deployed: calls into it are then direct.
    swift = ["swift", "build", "-c", "release", "--static-swift-stdlib",
             "--package-path", BENCHMARKS, "--scratch-path", BENCHMARKS / ".build-static"]
    run(swift)
    folder = pathlib.Path(run([*swift, "--show-bin-path"]).split()[-1])
    return folder / "bench-server", folder / "bench-client"


def make_certificates():
    run([BENCHMARKS.parent / "Certs/make-certs.sh"])


def two_cores():
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        fail("needs two cores, one for the server and one for the client; here is one")
    return cores


def pinned(cores):
    """For a new process: keeps it to one core, or to a set of them."""
    return lambda: os.sched_setaffinity(0, {cores} if isinstance(cores, int) else cores)


class Server:
    """A server process on its own core, or cores, alone there."""

    def __init__(self, name, command, core, counter=None):
        environment = dict(os.environ)
        self.counter = counter
        if counter:
            environment["LD_PRELOAD"] = str(OUT / "malloc-counter.so")
            environment["MALLOC_COUNTER_FILE"] = str(counter)
        self.name = name
        self.process = subprocess.Popen(
            [str(word) for word in command], env=environment, stdout=subprocess.PIPE, text=True,
            preexec_fn=pinned(core))
        line = self.process.stdout.readline()
        found = re.match(r"Listening on (\S+)", line)
        if not found:
            self.stop()
            fail(f"{name} did not say where it listens, but {line!r}")
        self.port = int(found[1].rsplit(":", 1)[1])
        scheme = "https" if "--cert" in command else "http"
        self.url = f"{scheme}://{found[1]}{METHOD}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def cpu_seconds(self):
        # The kernel's clock of another process, by number: see clock_getcpuclockid(3). In
        # nanoseconds, whereas /proc/PID/stat counts hundredths.
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def context_switches(self):
        """Of all its threads, also those that the scheduler forced."""
        count = 0
        for status in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/status"):
            count += sum(map(int, re.findall(r"voluntary_ctxt_switches:\s+(\d+)",
                                             status.read_text())))
        return count

    def allocations(self):
        return struct.unpack("=Q", self.counter.read_bytes())[0]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kib(self, field="VmRSS"):
        """What the process has in memory; with VmHWM, what it has had at most."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+)", status)[1])

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def answer(server, body=OUT / "body", headers=()):
    """What the server answers to one call, whose status must be 0."""
    call = ["nghttp", *HEADERS, *headers, "-d", body, server.url]
    data = subprocess.run(
        [str(word) for word in call], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    log = run(["nghttp", "-v", "-n", *call[1:]])
    if not re.search(r"recv \(stream_id=\d+\) (\x1b\S*)?grpc-status:(\x1b\S*)? 0", log):
        fail(f"{server.name} did not answer with grpc-status 0:\n{log}")
    return data


def validate(server):
    """One call: is the answer the request?"""
    data = answer(server)
    if data != BODY:
        fail(f"{server.name} answered {data!r} instead of {BODY!r}")


def started(commands, cores):
    """Servers, by name, that have each answered a call."""
    servers = []
    for name, command in commands.items():
        servers.append(Server(name, command, cores))
        validate(servers[-1])
    return servers


def stop_all(servers):
    for server in servers:
        server.stop()


def load(server, core, calls, connections, streams, around=(), body=OUT / "body", headers=(),
         answer_bytes=len(BODY), more=()):
    """Calls, all of which must succeed with an answer of the right length; returns h2load's rate."""
    text = run(
        [*around, "h2load", "-n", calls, "-c", connections, "-m", streams, "-d", body, *HEADERS,
         *headers, *more, server.url], preexec_fn=pinned(core))
    succeeded = re.search(r"(\d+) succeeded, (\d+) failed", text)
    good = re.search(r"status codes: (\d+) 2xx", text)
    data = re.search(r"\((\d+)\) data$", text, re.MULTILINE)
    if not succeeded or int(succeeded[1]) != calls or int(good[1]) != calls:
        fail(f"not every call to {server.name} succeeded:\n{text}")
    if int(data[1]) != calls * answer_bytes:
        fail(f"{server.name} sent {data[1]} bytes of answers instead of {calls * answer_bytes}")
    return float(re.search(r"([\d.]+) req/s", text)[1])


def cpu_microseconds(server, *arguments, calls, **options):
    """CPU time of the server for a call, in microseconds."""
    before = server.cpu_seconds()
    load(server, *arguments, calls=calls, **options)
    return (server.cpu_seconds() - before) * 1e6 / calls


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    h2load = run(["h2load", "--version"]).split("\n")[0]
    swift = re.search(r"Swift version \S+", run(["swift", "--version"]))
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=BENCHMARKS, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True).stdout.strip()
    return [
        f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores",
        f"Linux {platform.release()}", h2load, swift[0] if swift else "Swift ?",
        f"commit {commit or '?'}", datetime.date.today().isoformat(),
    ]
