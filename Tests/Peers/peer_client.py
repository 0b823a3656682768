"""A gRPC Python client for Tern's server: runs one case, or all, of cases.py, or asks who it is.

Exits with 0 if the server did what the case expects; otherwise says what was expected and seen.

With --ca it speaks TLS; with --chain and --key it shows a certificate of its own.
"""

import argparse
import asyncio
import pathlib
import sys
import traceback

import grpc

import cases  # noqa: F401, fills CASES
from casebook import CASES, COMPRESSIONS, ECHO, Unexpected

# So long a case may take. Only a call that hangs gets there.
LIMIT_SECONDS = 60


def read(path):
    return pathlib.Path(path).read_bytes() if path else None


def channel(module, arguments):
    """A channel of `module`: `grpc` or `grpc.aio`."""
    how = {"compression": COMPRESSIONS[arguments.compression]}
    how["options"] = []
    if arguments.host_override:
        how["options"].append(("grpc.ssl_target_name_override", arguments.host_override))
    if arguments.accept_nothing:
        # C-core's numbers: a bit for each algorithm, identity the lowest.
        how["options"].append(("grpc.compression_enabled_algorithms_bitset", 1))
    if not arguments.ca:
        return module.insecure_channel(arguments.target, **how)
    credentials = grpc.ssl_channel_credentials(
        read(arguments.ca), read(arguments.key), read(arguments.chain)
    )
    return module.secure_channel(arguments.target, credentials, **how)


async def who(arguments):
    async with channel(grpc.aio, arguments) as opened:
        call = opened.unary_unary(ECHO + "Who")
        try:
            print((await call(b"", timeout=LIMIT_SECONDS)).decode(), end="")
        except grpc.aio.AioRpcError as error:
            print(f"who: {error.code().name}: {error.details()}")
            return 1
    return 0


async def run(arguments, name):
    """Returns what went wrong, or nothing."""
    case = CASES[name]
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            if asyncio.iscoroutinefunction(case):
                async with channel(grpc.aio, arguments) as opened:
                    await case(opened)
            else:
                with channel(grpc, arguments) as opened:
                    await asyncio.to_thread(case, opened)
    except Unexpected as problem:
        return str(problem)
    except grpc.aio.AioRpcError as error:
        return f"a call failed: {error.code().name}: {error.details()}"
    except TimeoutError:
        return f"not done after {LIMIT_SECONDS} s"
    except Exception:
        return traceback.format_exc()
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", help="HOST:PORT")
    parser.add_argument("--case", choices=CASES, action="append", help="default: all")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--who", action="store_true", help="print what the server says of us")
    parser.add_argument("--ca", metavar="FILE", help="speak TLS; trust this authority")
    parser.add_argument("--chain", metavar="FILE", help="PEM, the client's certificate first")
    parser.add_argument("--key", metavar="FILE")
    parser.add_argument("--host-override", metavar="NAME", help="expect this name of the server")
    parser.add_argument("--compression", choices=COMPRESSIONS, default="none")
    parser.add_argument("--accept-nothing", action="store_true", help="no compressed responses")
    arguments = parser.parse_args()
    if bool(arguments.chain) != bool(arguments.key):
        parser.error("--chain and --key go together")
    if arguments.list:
        print("\n".join(CASES))
        return 0
    if not arguments.target:
        parser.error("--target HOST:PORT is missing")
    if arguments.who:
        return asyncio.run(who(arguments))

    failed = 0
    for name in arguments.case or CASES:
        problem = asyncio.run(run(arguments, name))
        print(f"{name}: {problem or 'passed'}", flush=True)
        failed += problem is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
