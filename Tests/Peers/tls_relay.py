"""Takes TLS off connections and passes them on: for servers that speak plaintext only.

Prints `PORT is at 127.0.0.1:PORT` for each --to, and ends when its standard input does: so
it cannot outlive the tests that started it.
"""

import argparse
import asyncio
import ssl
import sys


async def copy(reader, writer):
    try:
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        # One direction over TLS does not end alone, so both do.
        writer.close()


def passing_on(port):
    async def serve(client_reader, client_writer):
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            copy(client_reader, server_writer), copy(server_reader, client_writer))  # fmt: skip

    return serve


async def main(arguments):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.cert, arguments.key)
    context.set_alpn_protocols(["h2"])
    servers = []
    for port in arguments.to:
        server = await asyncio.start_server(passing_on(port), "127.0.0.1", 0, ssl=context)
        servers.append(server)
        own = server.sockets[0].getsockname()[1]
        print(f"{port} is at 127.0.0.1:{own}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=int, action="append", required=True, metavar="PORT")
    parser.add_argument("--cert", required=True, metavar="FILE")
    parser.add_argument("--key", required=True, metavar="FILE")
    asyncio.run(main(parser.parse_args()))
