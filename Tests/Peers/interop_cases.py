"""gRPC's interoperability tests as a gRPC Python client puts them to a server.

Not there: the cases that look at whether single messages are compressed, which it cannot tell.

Source: https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
"""

import concurrent.futures
import time

import grpc

from casebook import Unexpected, expect
from interop_messages import (
    INITIAL, SERVICE, TRAILING, EchoStatus, Empty, ResponseParameters, SimpleRequest,
    SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse,
    StreamingOutputCallRequest, StreamingOutputCallResponse,
)  # fmt: skip

CASES = {}
REQUEST_BYTES, RESPONSE_BYTES = 271828, 314159
REQUEST_SIZES, RESPONSE_SIZES = [27182, 8, 1828, 45904], [31415, 9, 2653, 58979]
# So long a call may take. Only one that hangs gets there.
LIMIT_SECONDS = 60
SOAK_ITERATIONS = 10


class Settings:
    """What the command line may change."""

    soak_limit_seconds = 1
    concurrent_calls = 1000


def case(function):
    """A case gets a function that makes channels."""
    CASES[function.__name__] = function
    return function


class Stub:
    def __init__(self, channel):
        def method(make, name, request, response, service=SERVICE):
            return make(f"/{service}/{name}", request.SerializeToString, response.FromString)

        self.empty_call = method(channel.unary_unary, "EmptyCall", Empty, Empty)
        self.unary_call = method(channel.unary_unary, "UnaryCall", SimpleRequest, SimpleResponse)
        self.streaming_input_call = method(
            channel.stream_unary, "StreamingInputCall",
            StreamingInputCallRequest, StreamingInputCallResponse)
        self.streaming_output_call = method(
            channel.unary_stream, "StreamingOutputCall",
            StreamingOutputCallRequest, StreamingOutputCallResponse)
        self.full_duplex_call = method(
            channel.stream_stream, "FullDuplexCall",
            StreamingOutputCallRequest, StreamingOutputCallResponse)
        self.unimplemented_call = method(channel.unary_unary, "UnimplementedCall", Empty, Empty)
        self.unimplemented_service = method(
            channel.unary_unary, "UnimplementedCall", Empty, Empty,
            service="grpc.testing.UnimplementedService")  # fmt: skip


def stub_case(function):
    """The usual case: one channel, and its stub."""

    def run(make_channel):
        with make_channel() as channel:
            function(Stub(channel))

    CASES[function.__name__] = run
    return function


def expect_status(what, code, call):
    try:
        call()
    except grpc.RpcError as error:
        expect(what, error.code(), code)
        return error
    raise Unexpected(f"{what}: expected {code}, but the call succeeded")


def large_request(**fields):
    request = SimpleRequest(response_size=RESPONSE_BYTES, **fields)
    request.payload.body = bytes(REQUEST_BYTES)
    return request


def call_large(stub, request=None, **options):
    response = stub.unary_call(request or large_request(), timeout=LIMIT_SECONDS, **options)
    expect("whether the body is zeros", response.payload.body == bytes(RESPONSE_BYTES), True)


def duplex_request(response_bytes, size):
    request = StreamingOutputCallRequest(
        response_parameters=[ResponseParameters(size=response_bytes)])  # fmt: skip
    request.payload.body = bytes(size)
    return request


@stub_case
def empty_unary(stub):
    expect("response", stub.empty_call(Empty(), timeout=LIMIT_SECONDS), Empty())


@stub_case
def large_unary(stub):
    call_large(stub)


@stub_case
def client_compressed_unary(stub):
    # Whether the server looks at the flag at all; if not, what follows would prove nothing.
    expect_status(
        "plain though it says compressed", grpc.StatusCode.INVALID_ARGUMENT,
        lambda: call_large(stub, large_request(expect_compressed={"value": True})))  # fmt: skip
    for is_compressed, how in (True, grpc.Compression.Gzip), (False, grpc.Compression.NoCompression):
        request = large_request(expect_compressed={"value": is_compressed})
        call_large(stub, request, compression=how)


@stub_case
def client_streaming(stub):
    requests = [StreamingInputCallRequest(payload={"body": bytes(n)}) for n in REQUEST_SIZES]
    response = stub.streaming_input_call(iter(requests), timeout=LIMIT_SECONDS)
    expect("the size of all", response.aggregated_payload_size, 74922)


@stub_case
def server_streaming(stub):
    parameters = [ResponseParameters(size=size) for size in RESPONSE_SIZES]
    request = StreamingOutputCallRequest(response_parameters=parameters)
    responses = stub.streaming_output_call(request, timeout=LIMIT_SECONDS)
    expect("sizes", [len(response.payload.body) for response in responses], RESPONSE_SIZES)


@stub_case
def ping_pong(stub):
    seen = []

    def requests():
        for index, (asked, size) in enumerate(zip(RESPONSE_SIZES, REQUEST_SIZES)):
            # The next request is asked for at once; it goes when the answer to the last one is here.
            turns[index].result(timeout=LIMIT_SECONDS)
            yield duplex_request(asked, size)

    turns = [concurrent.futures.Future() for _ in range(len(RESPONSE_SIZES) + 1)]
    turns[0].set_result(None)
    for response in stub.full_duplex_call(requests(), timeout=LIMIT_SECONDS):
        seen.append(len(response.payload.body))
        turns[min(len(seen), len(RESPONSE_SIZES))].set_result(None)
    expect("sizes", seen, RESPONSE_SIZES)


@stub_case
def empty_stream(stub):
    expect("responses", list(stub.full_duplex_call(iter([]), timeout=LIMIT_SECONDS)), [])


@stub_case
def custom_metadata(stub):
    sent = ((INITIAL, "test_initial_metadata_value"), (TRAILING, b"\xab\xab\xab"))
    _, unary = stub.unary_call.with_call(large_request(), metadata=sent, timeout=LIMIT_SECONDS)
    duplex = stub.full_duplex_call(
        iter([duplex_request(RESPONSE_BYTES, REQUEST_BYTES)]), metadata=sent,
        timeout=LIMIT_SECONDS)  # fmt: skip
    expect("responses", len(list(duplex)), 1)
    for kind, call in ("unary", unary), ("duplex", duplex):
        expect(f"initial metadata, {kind}", dict(call.initial_metadata()).get(INITIAL), sent[0][1])
        expect(f"trailing metadata, {kind}", dict(call.trailing_metadata()).get(TRAILING), sent[1][1])


def expect_echoed_status(message, call):
    error = expect_status("status", grpc.StatusCode.UNKNOWN, call)
    expect("message", error.details(), message)


@stub_case
def status_code_and_message(stub):
    status = EchoStatus(code=2, message="test status message")
    expect_echoed_status(status.message, lambda: stub.unary_call(
        SimpleRequest(response_status=status), timeout=LIMIT_SECONDS))  # fmt: skip
    expect_echoed_status(status.message, lambda: list(stub.full_duplex_call(
        iter([StreamingOutputCallRequest(response_status=status)]),
        timeout=LIMIT_SECONDS)))  # fmt: skip


@stub_case
def special_status_message(stub):
    text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    request = SimpleRequest(response_status=EchoStatus(code=2, message=text))
    expect_echoed_status(text, lambda: stub.unary_call(request, timeout=LIMIT_SECONDS))


@stub_case
def unimplemented_method(stub):
    expect_status("status", grpc.StatusCode.UNIMPLEMENTED,
                  lambda: stub.unimplemented_call(Empty(), timeout=LIMIT_SECONDS))


@stub_case
def unimplemented_service(stub):
    expect_status("status", grpc.StatusCode.UNIMPLEMENTED,
                  lambda: stub.unimplemented_service(Empty(), timeout=LIMIT_SECONDS))


class Blocked:
    """Requests of which there is never another one, until the call is over."""

    def __init__(self, *requests):
        self._requests = list(requests)
        self._over = concurrent.futures.Future()

    def __iter__(self):
        yield from self._requests
        self._over.result()

    def release(self):
        self._over.set_result(None)


@stub_case
def cancel_after_begin(stub):
    requests = Blocked()
    call = stub.streaming_input_call.future(iter(requests), timeout=LIMIT_SECONDS)
    call.cancel()
    expect("status", call.code(), grpc.StatusCode.CANCELLED)
    requests.release()


@stub_case
def cancel_after_first_response(stub):
    requests = Blocked(duplex_request(31415, 27182))
    call = stub.full_duplex_call(iter(requests), timeout=LIMIT_SECONDS)
    expect("size", len(next(call).payload.body), 31415)
    call.cancel()
    expect_status("status", grpc.StatusCode.CANCELLED, lambda: next(call))
    requests.release()


@stub_case
def timeout_on_sleeping_server(stub):
    request = StreamingOutputCallRequest(payload={"body": bytes(27182)})
    requests = Blocked(request)
    call = stub.full_duplex_call(iter(requests), timeout=0.001)
    expect_status("status", grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(call))
    requests.release()


def soak_once(stub):
    start = time.monotonic()
    call_large(stub)
    seconds = time.monotonic() - start
    expect("whether it took longer than it may", seconds > Settings.soak_limit_seconds, False)


@stub_case
def rpc_soak(stub):
    for _ in range(SOAK_ITERATIONS):
        soak_once(stub)


@case
def channel_soak(make_channel):
    for _ in range(SOAK_ITERATIONS):
        with make_channel() as channel:
            soak_once(Stub(channel))


def call_at_once(stub, count):
    calls = [stub.unary_call.future(large_request(), timeout=LIMIT_SECONDS) for _ in range(count)]
    sizes = {len(call.result().payload.body) for call in calls}
    expect("sizes", sizes, {RESPONSE_BYTES})


@stub_case
def concurrent_large_unary(stub):
    call_at_once(stub, Settings.concurrent_calls)


# For a server that is odd or wrong


@stub_case
def goaway(stub):
    call_large(stub)
    # Because the case asks for a second: the GOAWAY may come behind the response.
    time.sleep(1)
    call_large(stub)


def failing(stub):
    try:
        call_large(stub)
    except grpc.RpcError as error:
        hung = error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        expect("whether the call hung", hung, False)
        return
    raise Unexpected("expected an error, but the call succeeded")


@stub_case
def rst_after_header(stub):
    failing(stub)


@stub_case
def rst_during_data(stub):
    failing(stub)


@stub_case
def rst_after_data(stub):
    failing(stub)


@stub_case
def ping(stub):
    call_large(stub)


@stub_case
def max_streams(stub):
    # Lets the server's SETTINGS arrive.
    call_large(stub)
    call_at_once(stub, 10)


@stub_case
def data_frame_padding(stub):
    call_large(stub)


@stub_case
def no_df_padding_sanity_test(stub):
    call_large(stub)
