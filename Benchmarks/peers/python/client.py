"""Load on bench.Echo from gRPC Python's synchronous client, on one connection, with a thread for
each operation that is under way. Prints a line of JSON."""
import itertools
import json
import math
import os
import queue
import sys
import time
from concurrent import futures

import grpc

from command_line import Parser, contents, number
from messages import MAX_MESSAGE, SERVICE, Chunk, Order


class Unexpected(Exception):
    pass


class Load:
    """Has a function for each mode, for one thread: what it does with its share."""

    def __init__(self, channel, size):
        def method(make, name, request=Chunk, response=Chunk):
            return make(f"/{SERVICE}/{name}", request_serializer=request.SerializeToString,
                        response_deserializer=response.FromString)

        self.size = size
        self.chunk = Chunk(body=bytes(size))
        self.call_unary = method(channel.unary_unary, "Unary")
        self.call_download = method(channel.unary_stream, "Download", request=Order)
        self.call_upload = method(channel.stream_unary, "Upload", response=Order)
        self.call_chat = method(channel.stream_stream, "Chat")

    def check_length(self, answer):
        if len(answer.body) != self.size:
            raise Unexpected(f"an answer of {len(answer.body)} bytes instead of {self.size}")

    def unary(self, share, taken, count):
        times = []
        # `taken` belongs to all threads: a slow one then does less than its share.
        while next(taken) < count:
            begin = time.perf_counter_ns()
            answer = self.call_unary(self.chunk)
            times.append(time.perf_counter_ns() - begin)
            self.check_length(answer)
        return times

    def download(self, share, taken, count):
        seen = 0
        for chunk in self.call_download(Order(count=share, size=self.size)):
            self.check_length(chunk)
            seen += 1
        if seen != share:
            raise Unexpected(f"a download of {seen} messages instead of {share}")
        return []

    def upload(self, share, taken, count):
        total = self.call_upload(itertools.repeat(self.chunk, share))
        if total != Order(count=share, size=share * self.size % (1 << 31)):
            raise Unexpected(f"an upload of {total.count} messages, {total.size} bytes")
        return []

    def chat(self, share, taken, count):
        times = []
        # gRPC takes the requests on a thread of its own.
        requests = queue.SimpleQueue()
        answers = self.call_chat(iter(requests.get, None))
        for _ in range(share):
            begin = time.perf_counter_ns()
            requests.put(self.chunk)
            answer = next(answers, None)
            times.append(time.perf_counter_ns() - begin)
            if answer is None:
                raise Unexpected("a chat that ended too early")
            self.check_length(answer)
        requests.put(None)
        if next(answers, None) is not None:
            raise Unexpected("an answer too many")
        return times


def run(threads, worker, count, at_once):
    """Returns wall seconds, CPU seconds, and what the single operations took, sorted."""
    workers = min(at_once, count)
    taken = itertools.count()
    shares = [count // workers + (index < count % workers) for index in range(workers)]
    cpu = time.process_time()
    begin = time.perf_counter()
    running = [threads.submit(worker, share, taken, count) for share in shares]
    times = [done.result() for done in futures.as_completed(running)]
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return seconds, cpu, sorted(itertools.chain.from_iterable(times))


def percentile(times, share):
    if not times:
        return None
    return round(times[max(math.ceil(share * len(times)), 1) - 1] / 1000, 1)


def connect(arguments):
    if arguments.ca is None:
        channel = grpc.insecure_channel(arguments.address, options=[MAX_MESSAGE])
    else:
        channel = grpc.secure_channel(
            arguments.address, grpc.ssl_channel_credentials(arguments.ca),
            options=[MAX_MESSAGE, ("grpc.ssl_target_name_override", "localhost")])
    try:
        grpc.channel_ready_future(channel).result(timeout=10)
    except grpc.FutureTimeoutError:
        raise Unexpected(f"no connection to {arguments.address}") from None
    return channel


def measure(arguments):
    worker = getattr(Load(connect(arguments), arguments.bytes), arguments.mode)
    warm_up = arguments.warm_up
    if warm_up is None:
        warm_up = max(arguments.at_once, arguments.calls // 10)
    threads = futures.ThreadPoolExecutor(arguments.at_once)
    if warm_up > 0:
        run(threads, worker, warm_up, arguments.at_once)
    seconds, cpu, times = run(threads, worker, arguments.calls, arguments.at_once)
    print(json.dumps({
        "operations": arguments.calls, "seconds": round(seconds, 6), "cpu": round(cpu, 6),
        "p50_us": percentile(times, 0.5), "p99_us": percentile(times, 0.99)}), flush=True)


def main():
    parser = Parser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--ca", type=contents)
    parser.add_argument(
        "--mode", choices=("unary", "download", "upload", "chat"), required=True)
    parser.add_argument("--calls", type=number(1), required=True)
    parser.add_argument("--at-once", type=number(1), required=True)
    parser.add_argument("--bytes", type=number(0), required=True)
    parser.add_argument("--warm-up", type=number(0))
    arguments = parser.parse_args()
    try:
        measure(arguments)
    except (grpc.RpcError, Unexpected) as problem:
        # The text of an RpcError is several lines.
        failed = isinstance(problem, grpc.RpcError)
        reason = f"{problem.code()}: {problem.details()}" if failed else problem
        print(f"client.py: {reason}", file=sys.stderr, flush=True)
        # Without waiting for the other threads, whose calls may never end.
        os._exit(1)


main()
