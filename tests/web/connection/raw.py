"""Raw bytes on a connection: what no HTTP client would send, and what comes back to the letter."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.house import Process

TAKES = 20  # seconds after which a test that waits for the server has failed


@contextmanager
def connected(url: str, source: str = "") -> Iterator[socket.socket]:
    """Yield a connection to a server, from an address of this machine if one is given."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    place = (host.strip("[]"), int(port))
    with socket.create_connection(place, TAKES, source_address=(source, 0) if source else None) as connection:
        yield connection


def head(method: str = "GET", path: str = "/healthz", *headers: str, token: str = "") -> bytes:
    """Return the head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode()


def rest(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes; what a reset cuts off does not count as an end in peace."""
    found = b""
    while part := connection.recv(65536):
        found += part
    return found


def answer(connection: socket.socket) -> tuple[int, dict[str, str], str]:
    """Return status, headers (lower case) and body of the one answer that comes."""
    found = b""
    while b"\r\n\r\n" not in found:
        part = connection.recv(65536)
        assert part, f"the connection ended after {found!r}"
        found += part
    start, _, body = found.partition(b"\r\n\r\n")
    line, *lines = start.decode("latin-1").split("\r\n")
    headers = {name.lower(): text for name, text in (one.split(": ", 1) for one in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        part = connection.recv(65536)
        assert part, f"the connection ended within {body!r}"
        body += part
    return int(line.split()[1]), headers, body.decode()


def pushed(connection: socket.socket, piece: bytes, most: int) -> int:
    """Send a piece over and over, and return how many bytes the server took before it closed, or `most`."""
    sent = 0
    try:
        while sent < most:
            sent += connection.send(piece)
    except OSError:
        pass
    return sent


def announced(program: subprocess.Popen[bytes]) -> str:
    """Return the URL that a program printed on the pipe it has as its output, once it answers there."""
    assert program.stdout is not None
    found = re.search(r"serves (http://[^\s,]+)", program.stdout.readline().decode())
    assert found
    deadline = time.monotonic() + TAKES
    while True:
        try:
            with connected(found.group(1)):
                return found.group(1)
        except ConnectionRefusedError:  # it is announced before it listens
            assert time.monotonic() < deadline
            time.sleep(0.02)


def refused(connection: socket.socket, status: int, code: str, hint: str = "") -> dict[str, str]:
    """Check a refusal in house style, after which the server closes; return its headers."""
    found, headers, body = answer(connection)
    assert found == status, body
    assert re.fullmatch(rf"ERROR {code}\nHINT  .*{hint}.*\n", body), body
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["connection"] == "close"
    assert re.fullmatch(r"[0-9a-f]{16}", headers["x-request-id"])
    assert rest(connection) == b""
    return headers


def logged(program: Process, pattern: str) -> str:
    """Return the first line of the log that matches, waiting for it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = re.search(rf"^.*{pattern}.*$", program.printed(), re.MULTILINE)
        if found:
            return found.group()
        time.sleep(0.01)
    raise AssertionError(f"nothing logged like {pattern}")


def is_open(program: Process, port: int) -> bool:
    """Tell whether the program still holds its end of the connection that has this port at the other."""
    own = int(program.url.rpartition(":")[2])
    lines = Path(f"/proc/{program.popen.pid}/net/tcp").read_text().splitlines()[1:]
    ends = [
        (line.split()[1], line.split()[2], line.split()[9]) for line in lines
    ]  # without an inode, no process has it
    return any(int(a.split(":")[1], 16) == own and int(b.split(":")[1], 16) == port and i != "0" for a, b, i in ends)
