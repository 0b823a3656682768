"""Connections of HTTP/2 by hand: ones that stay idle, and ones that make a single call.

No library is between the clock and the socket, and ten thousand of them take no memory to speak of.
"""
import socket
import struct
import time

from harness import BODY, METHOD, fail

SETTINGS = 4
DATA, HEADERS = 0, 1
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">IBI", len(payload) << 8 | kind, flags, stream) + payload


def field(name, value):
    """A literal field without indexing, and without Huffman: shorter than 127 bytes each."""
    return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0)
CALL = frame(HEADERS, END_HEADERS, 1, b"".join(field(*pair) for pair in (
    (":method", "POST"), (":scheme", "http"), (":path", METHOD), (":authority", "localhost"),
    ("te", "trailers"), ("content-type", "application/grpc")))) + frame(DATA, END_STREAM, 1, BODY)


def read_exactly(connection, count):
    data = bytearray()
    while len(data) < count:
        some = connection.recv(count - len(data))
        if not some:
            fail("the server closed a connection that was made by hand")
        data += some
    return bytes(data)


def read_frame(connection):
    length, flags, stream = struct.unpack(">IBI", read_exactly(connection, 9))
    return length & 0xFF, flags, stream, read_exactly(connection, length >> 8)


def read_settings(connection):
    """Reads until the server's settings have come, and acknowledges them."""
    while True:
        kind, flags, _, _ = read_frame(connection)
        if kind == SETTINGS and not flags & ACK:
            connection.sendall(frame(SETTINGS, ACK, 0))
            return


def idle(port, count):
    """Opens connections that have shaken hands and say nothing more; to be closed by the caller."""
    kept = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(HELLO)
        read_settings(connection)
        kept.append(connection)
    return kept


def call(connection):
    """One unary echo on a new connection; returns when the whole answer has come."""
    connection.sendall(HELLO + CALL)
    data = b""
    while True:
        kind, flags, stream, payload = read_frame(connection)
        if kind == SETTINGS and not flags & ACK:
            connection.sendall(frame(SETTINGS, ACK, 0))
        if stream != 1 or kind not in (DATA, HEADERS):
            continue
        data += payload if kind == DATA else b""
        if flags & END_STREAM:
            break
    if data != BODY:
        fail(f"a call by hand was answered with {data!r} instead of {BODY!r}")


def connect_as_soon_as_possible(port, seconds):
    """Connects to a server that is still starting."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        connection = socket.socket()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if connection.connect_ex(("127.0.0.1", port)) == 0:
            return connection
        connection.close()
        time.sleep(0.0002)
    return fail(f"nothing listens on port {port} after {seconds} seconds")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
