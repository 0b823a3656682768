"""Runs cases of gRPC's interoperability tests with gRPC Python: one, or several with commas.

Exits with 0 if the server did in each what the case expects; otherwise says what was expected and
seen.
"""

import argparse
import pathlib
import sys
import traceback

import grpc

from casebook import Unexpected
from interop_cases import CASES, Settings


def make_channel(arguments):
    # Else channels with the same arguments share their connections, also with those of cases before.
    options = [("grpc.use_local_subchannel_pool", 1)]
    if arguments.server_host_override:
        options.append(("grpc.ssl_target_name_override", arguments.server_host_override))
    target = f"{arguments.server_host}:{arguments.server_port}"
    if arguments.use_tls != "true":
        return grpc.insecure_channel(target, options)
    roots = pathlib.Path(arguments.ca).read_bytes()
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options)


def run(case, arguments):
    """Returns what went wrong, or nothing."""
    try:
        case(lambda: make_channel(arguments))
    except Unexpected as problem:
        return str(problem)
    except grpc.RpcError as error:
        return f"a call failed: {error.code().name}: {error.details()}"
    except Exception:
        return traceback.format_exc()
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server_host", default="127.0.0.1")
    parser.add_argument("--server_port", type=int, required=True)
    parser.add_argument("--server_host_override", metavar="NAME")
    parser.add_argument("--test_case", required=True)
    parser.add_argument("--use_tls", nargs="?", const="true", default="false")
    parser.add_argument("--ca", metavar="FILE", help="the authority to trust")
    parser.add_argument(
        "--soak_per_iteration_max_acceptable_latency_ms", type=int, default=1000)
    parser.add_argument("--concurrent_calls", type=int, default=1000)
    arguments = parser.parse_args()
    Settings.soak_limit_seconds = arguments.soak_per_iteration_max_acceptable_latency_ms / 1000
    Settings.concurrent_calls = arguments.concurrent_calls

    names = arguments.test_case.split(",")
    unknown = [name for name in names if name not in CASES]
    if unknown:
        parser.error(f"--test_case: there is no {unknown[0]}, but: {' '.join(CASES)}")
    failed = 0
    for name in names:
        problem = run(CASES[name], arguments)
        print(f"{name}: {problem or 'passed'}", flush=True)
        failed += problem is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
