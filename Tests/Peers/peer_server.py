"""A gRPC Python server for Tern's client: `tern.test.Echo`, and the services of the examples.

Prints `Listening on HOST:PORT` when it is ready, and ends when its standard input does: so it
cannot outlive the tests that started it.

With --tls-chain and --tls-key it speaks TLS; with --client-ca it accepts only clients that have a
certificate of that authority. (gRPC Python cannot ask for one without requiring it.)
"""

import argparse
import asyncio
import pathlib
import sys

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

import messages
from casebook import COMPRESSIONS

ECHO = "tern.test.Echo"


class Hanging:
    """Which hanging calls began and which were cancelled, by the key in their request."""

    def __init__(self):
        self._events = {}

    def _event(self, what):
        return self._events.setdefault(what, asyncio.Event())

    async def hang(self, key):
        self._event(f"started {key}").set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self._event(f"cancelled {key}").set()
            raise

    async def reach(self, what):
        await self._event(what).wait()


def trailing(fields):
    """The echo-* fields, under names that tell where they travelled."""
    return tuple((name.replace("echo-", "trailing-", 1), value) for name, value in fields)


def choose_compression(context):
    """As `compress-response` in the metadata says; returns the number of a message to leave plain."""
    metadata = dict(context.invocation_metadata())
    if "compress-response" in metadata:
        context.set_compression(COMPRESSIONS[metadata["compress-response"]])
    return int(metadata.get("plain-response", -1))


async def echo_metadata(context):
    choose_compression(context)
    fields = tuple(f for f in context.invocation_metadata() if f[0].startswith("echo-"))
    # The head that grpc.aio sends by itself for a single response says nothing of compression.
    await context.send_initial_metadata(fields)
    context.set_trailing_metadata(trailing(fields))


async def unary(request, context):
    await echo_metadata(context)
    return request


async def server_stream(request, context):
    """`COUNT SIZE`: so many messages of so many bytes, each the number of the message."""
    count, size = map(int, request.split())
    plain = choose_compression(context)
    for number in range(count):
        if number == plain:
            context.disable_next_message_compression()
        yield str(number).encode().rjust(size, b"0")


async def client_stream(requests, context):
    """`BYTES COUNT`: what came."""
    choose_compression(context)
    size = count = 0
    async for request in requests:
        size += len(request)
        count += 1
    return f"{size} {count}".encode()


async def bidi(requests, context):
    await echo_metadata(context)
    async for request in requests:
        yield request


async def abort(request, context):
    code, message = request.decode().split(" ", 1)
    status = next(status for status in grpc.StatusCode if status.value[0] == int(code))
    await context.abort(status, message, (("failed-with", code), ("failed-with-bin", b"\xfe" + request)))


async def fail(request, context):
    """`CODE MESSAGE`: fails so, with trailing metadata."""
    await abort(request, context)


async def fail_with_details(request, context):
    """`CODE MESSAGE`: fails so, with details: see messages.error_details."""
    code, message = request.decode().split(" ", 1)
    status = status_pb2.Status(code=int(code), message=message)
    for detail in messages.error_details(message):
        status.details.add().Pack(detail)
    rich = rpc_status.to_status(status)
    await context.abort(rich.code, rich.details, rich.trailing_metadata)


async def fail_early(requests, context):
    """Fails as the first request says, after an answer, and does not read the others."""
    async for request in requests:
        yield request
        await abort(request, context)


async def who(request, context):
    """A line `NAME: VALUE` for each value of what the connection says of the client."""
    properties = sorted(context.auth_context().items())
    return b"".join(
        f"{name}: ".encode() + value + b"\n" for name, values in properties for value in values
    )


def hanging(state):
    async def hang(request, context):
        """Hangs until it is cancelled."""
        await state.hang(request.decode())

    async def hang_stream(request, context):
        """The same, after a first answer."""
        yield request
        await state.hang(request.decode())

    async def reach(request, context):
        """`started KEY` or `cancelled KEY`: answers once it is so."""
        await state.reach(request.decode())
        return request

    return hang, hang_stream, reach


def echo_handlers():
    hang, hang_stream, reach = hanging(Hanging())
    return grpc.method_handlers_generic_handler(
        ECHO,
        {
            "Unary": grpc.unary_unary_rpc_method_handler(unary),
            "ServerStream": grpc.unary_stream_rpc_method_handler(server_stream),
            "ClientStream": grpc.stream_unary_rpc_method_handler(client_stream),
            "Bidi": grpc.stream_stream_rpc_method_handler(bidi),
            "Fail": grpc.unary_unary_rpc_method_handler(fail),
            "FailWithDetails": grpc.unary_unary_rpc_method_handler(fail_with_details),
            "FailEarly": grpc.stream_stream_rpc_method_handler(fail_early),
            "Hang": grpc.unary_unary_rpc_method_handler(hang),
            "HangStream": grpc.unary_stream_rpc_method_handler(hang_stream),
            "Reach": grpc.unary_unary_rpc_method_handler(reach),
            "Who": grpc.unary_unary_rpc_method_handler(who),
        },
    )


async def say_hello(request, context):
    return messages.HelloReply(message=f"Hello, {request.name}!")


async def get_numbers(request, context):
    for number in range(request.limit):
        yield messages.NumberResponse(number=number)


async def calculate_sum(requests, context):
    return messages.SumResponse(sum=sum([request.number async for request in requests]))


async def chat(requests, context):
    async for request in requests:
        yield messages.ChatResponse(message=f"You said: {request.message}")


def example_handlers():
    def service(name, method, make, handler, request):
        method_handler = make(handler, request.FromString, lambda reply: reply.SerializeToString())
        return grpc.method_handlers_generic_handler(name, {method: method_handler})

    return (
        service("greet.Greeter", "SayHello",
                grpc.unary_unary_rpc_method_handler, say_hello, messages.HelloRequest),
        service("number_stream.NumberService", "GetNumbers",
                grpc.unary_stream_rpc_method_handler, get_numbers, messages.LimitRequest),
        service("sum_stream.SumService", "CalculateSum",
                grpc.stream_unary_rpc_method_handler, calculate_sum, messages.SumRequest),
        service("chat.ChatService", "Chat",
                grpc.stream_stream_rpc_method_handler, chat, messages.ChatRequest),
    )  # fmt: skip


def credentials(arguments):
    """`None` without TLS."""
    if not arguments.tls_chain:
        return None
    pair = (read(arguments.tls_key), read(arguments.tls_chain))
    client_ca = read(arguments.client_ca) if arguments.client_ca else None
    return grpc.ssl_server_credentials([pair], client_ca, client_ca is not None)


def read(path):
    return pathlib.Path(path).read_bytes()


async def serve(arguments):
    server = grpc.aio.server(compression=COMPRESSIONS[arguments.compression])
    server.add_generic_rpc_handlers((echo_handlers(), *example_handlers()))
    address = f"{arguments.host}:{arguments.port}"
    tls = credentials(arguments)
    bound = server.add_secure_port(address, tls) if tls else server.add_insecure_port(address)
    await server.start()
    print(f"Listening on {arguments.host}:{bound}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(grace=None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls-chain", metavar="FILE", help="PEM, the server's certificate first")
    parser.add_argument("--tls-key", metavar="FILE")
    parser.add_argument("--client-ca", metavar="FILE", help="require clients' certificates")
    parser.add_argument(
        "--compression", choices=COMPRESSIONS, default="none",
        help="of the responses to a client that accepts it")  # fmt: skip
    arguments = parser.parse_args()
    if bool(arguments.tls_chain) != bool(arguments.tls_key):
        parser.error("--tls-chain and --tls-key go together")
    asyncio.run(serve(arguments))
