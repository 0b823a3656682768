"""The cases that a gRPC Python client puts to a server of `tern.test.Echo`.

Swift has the same cases, by the same names, for a gRPC Python server: Tests/InteropTests/Cases.
"""

import asyncio
import uuid

import grpc
from grpc_status import rpc_status

import messages
from casebook import (
    CASES, COMPRESSIONS, ECHO, Echo, Unexpected, case, error_of, expect, expect_status,
    outcome_of_stream,
)  # fmt: skip

LARGEST_MESSAGE_BYTES = 4 << 20

# Every kind of character that percent coding treats differently, and two that UTF-8 does.
TEXTS = {
    1: "plain",
    2: "100 % sure, %41 stays",
    3: "naïve café",
    5: "日本語のメッセージ",
    7: "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n",
    16: "",
}

# Messages


@case
async def unary(channel):
    expect("answer", await Echo(channel).unary(b"hello"), b"hello")


@case
async def unary_empty(channel):
    expect("answer", await Echo(channel).unary(b""), b"")


@case
async def unary_1_mib(channel):
    message = bytes(range(256)) * 4096
    expect("answer", await Echo(channel).unary(message), message)


@case
async def unary_4_mib(channel):
    message = bytes(range(256)) * (LARGEST_MESSAGE_BYTES // 256)
    expect("answer", await Echo(channel).unary(message), message)


@case
async def request_over_4_mib(channel):
    echo = Echo(channel)
    call = echo.unary(bytes(LARGEST_MESSAGE_BYTES + 1))
    await expect_status(call, grpc.StatusCode.RESOURCE_EXHAUSTED)
    expect("the next call", await echo.unary(b"next"), b"next")


@case
async def response_over_4_mib(channel):
    echo = Echo(channel)
    call = echo.server_stream(f"1 {LARGEST_MESSAGE_BYTES + 1}".encode())
    await expect_status(call, grpc.StatusCode.RESOURCE_EXHAUSTED)
    expect("the next call", await echo.unary(b"next"), b"next")


@case
async def server_stream(channel):
    seen = [message async for message in Echo(channel).server_stream(b"4 3")]
    expect("messages", seen, [b"000", b"001", b"002", b"003"])


@case
async def server_stream_empty(channel):
    expect("messages", [message async for message in Echo(channel).server_stream(b"0 0")], [])


@case
async def server_stream_long(channel):
    numbers = [int(message) async for message in Echo(channel).server_stream(b"10000 16")]
    expect("numbers", numbers, list(range(10_000)))


@case
async def server_stream_large(channel):
    sizes = [len(message) async for message in Echo(channel).server_stream(b"8 1048576")]
    expect("sizes", sizes, [1 << 20] * 8)


@case
async def client_stream(channel):
    expect("answer", await Echo(channel).client_stream(iter([b"a", b"", b"bcd"])), b"4 3")


@case
async def client_stream_empty(channel):
    expect("answer", await Echo(channel).client_stream(iter([])), b"0 0")


@case
async def client_stream_long(channel):
    requests = (bytes(16) for _ in range(10_000))
    expect("answer", await Echo(channel).client_stream(requests), b"160000 10000")


@case
async def bidi(channel):
    """Ping-pong: the next request is sent when the answer to the last one is here."""
    call = Echo(channel).bidi()
    for message in [b"one", b"", bytes(100_000)]:
        await call.write(message)
        expect("answer", await call.read(), message)
    await call.done_writing()
    expect("the end", await call.read(), grpc.aio.EOF)
    expect("status", await call.code(), grpc.StatusCode.OK)


@case
async def bidi_empty(channel):
    expect("messages", [message async for message in Echo(channel).bidi(iter([]))], [])


@case
async def bidi_long(channel):
    requests = (str(number).encode() for number in range(10_000))
    numbers = [int(message) async for message in Echo(channel).bidi(requests)]
    expect("numbers", numbers, list(range(10_000)))


@case
async def concurrent_1000(channel):
    echo = Echo(channel)
    wanted = [str(number).encode() for number in range(1000)]
    expect("answers", list(await asyncio.gather(*map(echo.unary, wanted))), wanted)


# Compression. What travels is seen by a relay between both, in Tests/InteropTests/Grpcio.

def compression_case(name, compression):
    options = {"metadata": (("compress-response", name),), "compression": compression}

    async def unary(channel):
        for message in b"", b"short", bytes(271828), bytes(range(256)) * 4096:
            expect("answer", await Echo(channel).unary(message, **options), message)

    async def streams(channel):
        echo = Echo(channel)
        requests = [bytes(27182), b"", b"short", bytes(45904)]
        expect("answer", await echo.client_stream(iter(requests), **options), b"73091 4")
        sizes = [len(message) async for message in echo.server_stream(b"4 31415", **options)]
        expect("sizes", sizes, [31415] * 4)
        seen = [message async for message in echo.bidi(iter(requests), **options)]
        expect("messages", seen, requests)

    CASES[f"{name}_unary"] = unary
    CASES[f"{name}_streams"] = streams


for name in "gzip", "deflate":
    compression_case(name, COMPRESSIONS[name])


# Metadata

METADATA = {
    "metadata_ascii": (("echo-a", "value"), ("echo-b", " inner  blanks, and ~!@#$%^&*() "[1:-1])),
    "metadata_bin": (("echo-bytes-bin", bytes(range(256))), ("echo-empty-bin", b"")),
    "metadata_repeated": (
        ("echo-r", "one"), ("echo-r", "two"), ("echo-r", "three"),
        ("echo-r-bin", b"\x00"), ("echo-r-bin", b"\xab\xab\xab"), ("echo-r-bin", b",")),
    "metadata_large": (("echo-large", "x" * 2500),),
}  # fmt: skip


def fields(metadata, prefix):
    """By name, since nobody promises an order across names."""
    found = {}
    for name, value in metadata:
        if name.startswith(prefix):
            found.setdefault(name.removeprefix(prefix), []).append(value)
    return found


def metadata_case(name, sent):
    async def both_kinds(channel):
        echo = Echo(channel)
        unary = echo.unary(b"", metadata=sent)
        await unary
        bidi = echo.bidi(iter([b"1", b"2"]), metadata=sent)
        expect("messages", [message async for message in bidi], [b"1", b"2"])
        for kind, call in ("unary", unary), ("bidi", bidi):
            wanted = fields(sent, "echo-")
            initial = fields(await call.initial_metadata(), "echo-")
            expect(f"initial metadata, {kind}", initial, wanted)
            trailing = fields(await call.trailing_metadata(), "trailing-")
            expect(f"trailing metadata, {kind}", trailing, wanted)

    CASES[name] = both_kinds


for name, sent in METADATA.items():
    metadata_case(name, sent)

# Errors


def expect_error(error, code, text):
    """All that Fail promises, of a call that ended with the number `code`."""
    expect(f"code {code}", error.code().value[0], code)
    expect(f"message of code {code}", error.details(), text)
    trailing = dict(error.trailing_metadata())
    expect("trailing metadata", trailing.get("failed-with"), str(code))
    request = f"{code} {text}".encode()
    expect("trailing -bin metadata", trailing.get("failed-with-bin"), b"\xfe" + request)


@case
async def error_codes(channel):
    echo = Echo(channel)
    for code in range(1, 17):
        text = TEXTS.get(code, f"Code {code} ✓")
        request = f"{code} {text}".encode()
        expect_error(await error_of(echo.fail(request)), code, text)


# Spec: W58 (PROTOCOL-HTTP2, Status-Details)
@case
async def error_details(channel):
    echo = Echo(channel)
    for code in 3, 5, 7, 14:
        text = TEXTS.get(code, f"Code {code} ✓")
        call = echo.fail_with_details(f"{code} {text}".encode())
        expect(f"code {code}", (await error_of(call)).code().value[0], code)
        # Refuses details whose code and message are not those of the trailers.
        status = await rpc_status.aio.from_call(call)
        wanted = messages.error_details(text)
        expect(f"count of details, code {code}", len(status.details), len(wanted))
        for packed, detail in zip(status.details, wanted):
            seen = type(detail)()
            expect("type of a detail", packed.Unpack(seen) and packed.type_url,
                   f"type.googleapis.com/{detail.DESCRIPTOR.full_name}")
            expect("a detail", seen, detail)


@case
def error_codes_of_streams(channel):
    """The server fails after an answer and leaves 99 requests unread."""
    for code in range(1, 17):
        text = TEXTS.get(code, f"Code {code} ✓")
        request = f"{code} {text}".encode()
        answers, error = outcome_of_stream(channel, ECHO + "FailEarly", [request] * 100)
        expect("answers", answers, [request])
        expect_error(error, code, text)


@case
async def unimplemented_method(channel):
    call = channel.unary_unary(ECHO + "Nothing")(b"")
    await expect_status(call, grpc.StatusCode.UNIMPLEMENTED)


@case
def unimplemented_service(channel):
    _, error = outcome_of_stream(channel, "/tern.test.Nothing/Bidi", [b"one", b"two"])
    expect("status", error.code(), grpc.StatusCode.UNIMPLEMENTED)


# Cancellation and deadlines


@case
async def cancel_unary(channel):
    echo, key = Echo(channel), uuid.uuid4().hex
    call = echo.hang(key.encode())
    await echo.reach(f"started {key}")
    call.cancel()
    await expect_status(call, grpc.StatusCode.CANCELLED)
    await echo.reach(f"cancelled {key}")


@case
async def cancel_after_first_response(channel):
    echo, key = Echo(channel), uuid.uuid4().hex
    call = echo.hang_stream(key.encode())
    expect("first answer", await call.read(), key.encode())
    call.cancel()
    expect("status", await call.code(), grpc.StatusCode.CANCELLED)
    await echo.reach(f"cancelled {key}")


@case
async def cancel_after_begin(channel):
    call = channel.stream_unary(ECHO + "ClientStream")()
    call.cancel()
    await expect_status(call, grpc.StatusCode.CANCELLED)


async def expect_deadline(echo, method):
    key = uuid.uuid4().hex
    await expect_status(method(key.encode(), timeout=3), grpc.StatusCode.DEADLINE_EXCEEDED)
    await echo.reach(f"cancelled {key}")


@case
async def deadline_unary(channel):
    echo = Echo(channel)
    await expect_deadline(echo, echo.hang)


@case
async def deadline_stream(channel):
    echo = Echo(channel)
    await expect_deadline(echo, echo.hang_stream)


@case
def deadline_of_1_ms(channel):
    _, error = outcome_of_stream(channel, ECHO + "Bidi", [bytes(27182)] * 1000, seconds=0.001)
    expect("status", error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)


# The services of the examples, with Protobuf messages


@case
async def greeter(channel):
    call = channel.unary_unary(
        "/greet.Greeter/SayHello",
        request_serializer=messages.HelloRequest.SerializeToString,
        response_deserializer=messages.HelloReply.FromString,
    )
    expect("reply", (await call(messages.HelloRequest(name="wörld"))).message, "Hello, wörld!")


@case
async def numbers(channel):
    call = channel.unary_stream(
        "/number_stream.NumberService/GetNumbers",
        request_serializer=messages.LimitRequest.SerializeToString,
        response_deserializer=messages.NumberResponse.FromString,
    )
    seen = [response.number async for response in call(messages.LimitRequest(limit=5))]
    expect("numbers", seen, [0, 1, 2, 3, 4])


@case
async def sums(channel):
    call = channel.stream_unary(
        "/sum_stream.SumService/CalculateSum",
        request_serializer=messages.SumRequest.SerializeToString,
        response_deserializer=messages.SumResponse.FromString,
    )
    requests = [messages.SumRequest(number=number) for number in range(1, 6)]
    expect("sum", (await call(iter(requests))).sum, 15)


@case
async def chat(channel):
    call = channel.stream_stream(
        "/chat.ChatService/Chat",
        request_serializer=messages.ChatRequest.SerializeToString,
        response_deserializer=messages.ChatResponse.FromString,
    )
    requests = [messages.ChatRequest(message=message) for message in ("Hello", "☺")]
    seen = [response.message async for response in call(iter(requests))]
    expect("answers", seen, ["You said: Hello", "You said: ☺"])
