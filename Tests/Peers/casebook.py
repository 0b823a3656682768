"""What the cases are made of: the calls of the echo service, and how to expect something."""

import asyncio

import grpc

ECHO = "/tern.test.Echo/"
CASES = {}
COMPRESSIONS = {
    "none": grpc.Compression.NoCompression,
    "gzip": grpc.Compression.Gzip,
    "deflate": grpc.Compression.Deflate,
}


class Unexpected(Exception):
    pass


def expect(what, seen, wanted):
    if seen != wanted:
        raise Unexpected(f"{what}: expected {short(wanted)}, saw {short(seen)}")


def short(value):
    text = repr(value)
    return text if len(text) < 500 else f"{text[:480]}… ({len(text)} characters)"


def case(function):
    """A coroutine gets a channel of grpc.aio, a plain function one of gRPC Python's threads."""
    CASES[function.__name__] = function
    return function


async def expect_status(call, code, what="status"):
    """`call` is awaited, or read to its end, and must fail with `code`."""
    try:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        expect(what, error.code(), code)
        return error
    except asyncio.CancelledError:
        # The form in which grpc.aio reports CANCELLED.
        expect(what, grpc.StatusCode.CANCELLED, code)
        return None
    raise Unexpected(f"{what}: expected {code}, but the call succeeded")


async def error_of(call):
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error
    except asyncio.CancelledError:
        # The form in which grpc.aio reports CANCELLED, whoever chose it.
        return grpc.aio.AioRpcError(
            await call.code(),
            await call.initial_metadata(),
            await call.trailing_metadata(),
            details=await call.details(),
        )
    raise Unexpected("expected an error, but the call succeeded")


def outcome_of_stream(channel, path, requests, seconds=20):
    """The answers and the error of a call that must fail, maybe before all requests are written.

    With gRPC Python's threads, since grpc.aio hides the status of such a call behind "Internal
    error from Core" when a request can no longer be written.
    """
    answers = []
    try:
        for answer in channel.stream_stream(path)(iter(requests), timeout=seconds):
            answers.append(answer)
    except grpc.RpcError as error:
        return answers, error
    raise Unexpected("expected an error, but the call succeeded")


class Echo:
    def __init__(self, channel):
        self.unary = channel.unary_unary(ECHO + "Unary")
        self.server_stream = channel.unary_stream(ECHO + "ServerStream")
        self.client_stream = channel.stream_unary(ECHO + "ClientStream")
        self.bidi = channel.stream_stream(ECHO + "Bidi")
        self.fail = channel.unary_unary(ECHO + "Fail")
        self.fail_with_details = channel.unary_unary(ECHO + "FailWithDetails")
        self.fail_early = channel.stream_stream(ECHO + "FailEarly")
        self.hang = channel.unary_unary(ECHO + "Hang")
        self.hang_stream = channel.unary_stream(ECHO + "HangStream")
        self._reach = channel.unary_unary(ECHO + "Reach")

    async def reach(self, what):
        """Waits until the server's Hang has got there."""
        try:
            await self._reach(what.encode(), timeout=20)
        except grpc.aio.AioRpcError as error:
            raise Unexpected(f"the server's handler was not {what.split()[0]}: {error.details()}")
