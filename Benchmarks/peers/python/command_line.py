"""What the command lines of server and client share."""
import argparse
import pathlib
import sys


class Parser(argparse.ArgumentParser):
    def __init__(self):
        # An option that is almost right would be taken here and refused by the other peers.
        super().__init__(allow_abbrev=False)

    def error(self, message):
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(2)


# What bench.Order can carry.
MOST = (1 << 31) - 1


def number(least, most=MOST):
    def parse(text):
        # int() alone would also take " 1_000".
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"needs a number from {least} to {most}")
        return int(text)
    return parse


def contents(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem
