"""The service of gRPC's interoperability tests on gRPC Python.

It cannot tell whether a request came compressed, and so does not know `expect_compressed`.

Prints `Listening on HOST:PORT` when it is ready, and ends when its standard input does: so it
cannot outlive the tests that started it.
"""

import argparse
import asyncio
import pathlib
import sys

import grpc

from interop_messages import (
    INITIAL, SERVICE, TRAILING, Empty, SimpleRequest, SimpleResponse, StreamingInputCallRequest,
    StreamingInputCallResponse, StreamingOutputCallRequest, StreamingOutputCallResponse,
)  # fmt: skip


async def begin(context):
    """The head, with what is echoed in it; the trailers get theirs."""
    metadata = dict(context.invocation_metadata())
    if TRAILING in metadata:
        context.set_trailing_metadata(((TRAILING, metadata[TRAILING]),))
    # The head that grpc.aio sends by itself for a single response says nothing of compression.
    await context.send_initial_metadata(((INITIAL, metadata[INITIAL]),) if INITIAL in metadata else ())


async def answer(context, request):
    """Ends the call if the request asks for a status."""
    if request.HasField("response_status"):
        code = next(c for c in grpc.StatusCode if c.value[0] == request.response_status.code)
        await context.abort(code, request.response_status.message)


async def empty_call(request, context):
    return Empty()


async def unary_call(request, context):
    if request.response_compressed.value:
        context.set_compression(grpc.Compression.Gzip)
    await begin(context)
    await answer(context, request)
    response = SimpleResponse()
    response.payload.body = bytes(request.response_size)
    return response


async def streaming_input_call(requests, context):
    size = 0
    async for request in requests:
        size += len(request.payload.body)
    return StreamingInputCallResponse(aggregated_payload_size=size)


async def responses(request, context):
    for parameters in request.response_parameters:
        # Because the client has asked for the pause.
        await asyncio.sleep(parameters.interval_us / 1e6)
        response = StreamingOutputCallResponse()
        response.payload.body = bytes(parameters.size)
        if not parameters.compressed.value:
            context.disable_next_message_compression()
        yield response


async def streaming_output_call(request, context):
    if any(parameters.compressed.value for parameters in request.response_parameters):
        context.set_compression(grpc.Compression.Gzip)
    await begin(context)
    await answer(context, request)
    async for response in responses(request, context):
        yield response


async def full_duplex_call(requests, context):
    await begin(context)
    async for request in requests:
        await answer(context, request)
        async for response in responses(request, context):
            yield response


def handlers():
    def handler(make, function, request, response):
        return make(function, request.FromString, response.SerializeToString)

    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "EmptyCall": handler(grpc.unary_unary_rpc_method_handler, empty_call, Empty, Empty),
            "UnaryCall": handler(
                grpc.unary_unary_rpc_method_handler, unary_call, SimpleRequest, SimpleResponse),
            "StreamingInputCall": handler(
                grpc.stream_unary_rpc_method_handler, streaming_input_call,
                StreamingInputCallRequest, StreamingInputCallResponse),
            "StreamingOutputCall": handler(
                grpc.unary_stream_rpc_method_handler, streaming_output_call,
                StreamingOutputCallRequest, StreamingOutputCallResponse),
            "FullDuplexCall": handler(
                grpc.stream_stream_rpc_method_handler, full_duplex_call,
                StreamingOutputCallRequest, StreamingOutputCallResponse),
        },
    )  # fmt: skip


async def serve(arguments):
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handlers(),))
    address = f"127.0.0.1:{arguments.port}"
    if arguments.use_tls == "true":
        pair = (pathlib.Path(arguments.key).read_bytes(), pathlib.Path(arguments.cert).read_bytes())
        port = server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port(address)
    await server.start()
    print(f"Listening on 127.0.0.1:{port}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(grace=None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--use_tls", nargs="?", const="true", default="false")
    parser.add_argument("--cert", metavar="FILE", help="PEM, the server's certificate first")
    parser.add_argument("--key", metavar="FILE")
    asyncio.run(serve(parser.parse_args()))
