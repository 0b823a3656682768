"""Other gRPC libraries' servers and clients: building, what they are called, how they start."""
from harness import BENCHMARKS, OUT, run

PROGRAMS = OUT / "peers"
PYTHON = BENCHMARKS.parent / ".venv/bin/python"


def build():
    run([BENCHMARKS / "Scripts/peers"])


def servers():
    """Name -> command; to be asked after build(), as the names have the libraries' versions."""
    return _programs("server")


def clients():
    return _programs("client")


def _programs(kind):
    cpp = run(["pkg-config", "--modversion", "grpc++"]).strip()
    # "1.33.3-2" is Debian's second package of 1.33.3.
    go = run(["dpkg-query", "--show", "--showformat=${Version}", "golang-google-grpc-dev"])
    python = run([PYTHON, "-c", "import grpc; print(grpc.__version__)"]).strip()
    return {
        f"gRPC C++ {cpp}": [PROGRAMS / f"cpp-{kind}"],
        f"gRPC Go {go.rsplit('-', 1)[0]}": [PROGRAMS / f"go-{kind}"],
        f"gRPC Python {python}": [PYTHON, BENCHMARKS / f"peers/python/{kind}.py"],
    }
