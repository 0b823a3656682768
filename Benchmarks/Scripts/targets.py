"""What we want to reach, beside what was measured."""
from harness import LIMIT
from tables import shown

OURS = "Tern, protobuf"
ON_LOOP = "Tern, callers on the loop"
ELSEWHERE = "Tern, callers elsewhere"


def named(figure, word):
    """The program whose name has this word."""
    return next(name for name in figure.values if word in name)


def comparison(unary, servers, clients, latency):
    """Lines of a table: what the others need where Tern needs 1."""
    download, blocks, upload, chat, large = servers
    rows = [
        ("unary call, server", unary, OURS),
        ("server streaming, a message of 16 bytes, server", download, OURS),
        ("server streaming, a message of 64 KiB, server", blocks, OURS),
        ("client streaming, a message of 16 bytes, server", upload, OURS),
        ("ping-pong in 100 streams, server", chat, OURS),
        ("unary echo of 1 MiB, server", large, OURS),
        ("unary call, client, 100 at once", clients[0], ON_LOOP),
        ("time of a call that is alone", latency[0], ON_LOOP),
    ]
    columns = ["C++", "Go", "Python"]
    lines = ["", "## In short", "",
             "CPU of the process (in the last row: time), where Tern needs 1:", "",
             "| | Tern | plain nghttp2 in C | " + " | ".join(f"gRPC {name}" for name in columns)
             + " |", "|---|---|---|---|---|---|"]
    for title, figure, ours in rows:
        others = [LIMIT, *(named(figure, word) for word in columns)]
        ratios = " | ".join(shown(figure.ratio(name, ours), 2) for name in others)
        lines.append(f"| {title} | 1 | {ratios} |")
    return lines


def targets(unary, allocations, servers, memory, clients, latency):
    """Lines of a table: figure, measured, target, what would be better still."""
    download, blocks, upload, chat, large = servers
    calls = clients[0]
    middle, _, half, late = latency
    rows = [
        ("unary, server, to C", unary.ratio(OURS, LIMIT), 1.6, 1.35),
        ("unary, server, to gRPC C++", unary.ratio(OURS, named(unary, "C++")), 1 / 5, 1 / 7.5),
        ("unary, server, to gRPC Go", unary.ratio(OURS, named(unary, "Go")), 1 / 3, 1 / 4.5),
        ("allocations a unary call, server", allocations[OURS], 6, 2),
        ("server streaming, 16 bytes, server, to gRPC Go",
         download.ratio(OURS, named(download, "Go")), 0.35, 0.2),
        ("client streaming, 16 bytes, server, to gRPC Go",
         upload.ratio(OURS, named(upload, "Go")), 0.6, 0.35),
        ("server streaming, 64 KiB, server, to C", blocks.ratio(OURS, LIMIT), 1.5, 1.2),
        ("ping-pong, 100 at once, server, to gRPC Go",
         chat.ratio(OURS, named(chat, "Go")), 0.6, 0.4),
        ("unary, client, to gRPC C++", calls.ratio(ON_LOOP, named(calls, "C++")), 1 / 5, 1 / 8),
        ("unary, client, to gRPC Go", calls.ratio(ON_LOOP, named(calls, "Go")), 1 / 2.5, 1 / 4),
        ("unary echo of 1 MiB, server, to C", large.ratio(OURS, LIMIT), 1.6, 1.25),
        ("memory for an echo of 8 MB, server, in messages", memory.median(OURS), 3, 2.5),
        ("one call at a time, callers on the loop, to C", middle.ratio(ON_LOOP, LIMIT), 1.4, 1.2),
        ("one call at a time, callers elsewhere, to C", middle.ratio(ELSEWHERE, LIMIT), 2, 1.6),
        ("half busy, callers on the loop: one of a hundred, to the median",
         late.median(ON_LOOP) / half.median(ON_LOOP), 3, 2),
    ]
    lines = ["", "## Targets", "",
             "CPU of the process, as a ratio, unless another unit is said.", "",
             "| figure | measured | target | better still | |", "|---|---|---|---|---|"]
    for name, value, target, stretch in rows:
        verdict = "yes, and better" if value <= stretch else "yes" if value <= target else "no"
        lines.append(f"| {name} | {value:.2f} | {target:.2f} | {stretch:.2f} | {verdict} |")
    return lines
