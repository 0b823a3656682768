"""A gRPC Python client for Tern's server: runs one case, or all, of cases.py.

Exits with 0 if the server did what the case expects; otherwise says what was expected and seen.
"""

import argparse
import asyncio
import sys
import traceback

import grpc

import cases  # noqa: F401, fills CASES
from casebook import CASES, Unexpected

# So long a case may take. Only a call that hangs gets there.
LIMIT_SECONDS = 60


# C-core's numbers: a bit for each algorithm, identity the lowest.
NO_COMPRESSION = (("grpc.compression_enabled_algorithms_bitset", 1),)


async def run(target, name, options):
    """Returns what went wrong, or nothing."""
    case = CASES[name]
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            if asyncio.iscoroutinefunction(case):
                async with grpc.aio.insecure_channel(target, options=options) as channel:
                    await case(channel)
            else:
                with grpc.insecure_channel(target, options=options) as channel:
                    await asyncio.to_thread(case, channel)
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
    parser.add_argument("--no-compression", action="store_true", help="accept none")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CASES))
        return 0
    if not arguments.target:
        parser.error("--target HOST:PORT is missing")

    options = NO_COMPRESSION if arguments.no_compression else ()
    failed = 0
    for name in arguments.case or CASES:
        problem = asyncio.run(run(arguments.target, name, options))
        print(f"{name}: {problem or 'passed'}", flush=True)
        failed += problem is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
