"""bench.Echo on gRPC Python's synchronous server."""
from concurrent import futures

import grpc

from command_line import Parser, contents, number
from messages import MAX_MESSAGE, SERVICE, Chunk, Order


def unary(request, context):
    return request


def download(order, context):
    chunk = Chunk(body=bytes(order.size))
    for _ in range(order.count):
        yield chunk


def upload(chunks, context):
    count = size = 0
    for chunk in chunks:
        count += 1
        size += len(chunk.body)
    return Order(count=count, size=size % (1 << 31))


def chat(chunks, context):
    yield from chunks


def handlers():
    def handler(make, function, request=Chunk, response=Chunk):
        return make(function, request.FromString, response.SerializeToString)

    return grpc.method_handlers_generic_handler(SERVICE, {
        "Unary": handler(grpc.unary_unary_rpc_method_handler, unary),
        "Download": handler(grpc.unary_stream_rpc_method_handler, download, request=Order),
        "Upload": handler(grpc.stream_unary_rpc_method_handler, upload, response=Order),
        "Chat": handler(grpc.stream_stream_rpc_method_handler, chat),
    })


def main():
    parser = Parser()
    parser.add_argument("--port", type=number(0, 65535), default=0)
    parser.add_argument("--cert", type=contents)
    parser.add_argument("--key", type=contents)
    arguments = parser.parse_args()
    if (arguments.cert is None) != (arguments.key is None):
        parser.error("--cert and --key go together")
    server = grpc.server(
        futures.ThreadPoolExecutor(), handlers=[handlers()],
        options=[MAX_MESSAGE, ("grpc.max_concurrent_streams", 1000)])
    address = f"127.0.0.1:{arguments.port}"
    if arguments.cert is None:
        port = server.add_insecure_port(address)
    else:
        credentials = grpc.ssl_server_credentials([(arguments.key, arguments.cert)])
        port = server.add_secure_port(address, credentials)
    server.start()
    print(f"Listening on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


main()
