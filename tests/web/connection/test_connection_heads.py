"""The heads of requests: too large, too long, without end, or no HTTP at all, sent to the started program."""

import re
from pathlib import Path

import pytest

from tests.house import Process
from tests.web.connection.raw import answer, connected, head, logged, pushed, refused, rest

KIB = 1024
MIB = 1024 * KIB


@pytest.mark.slow
@pytest.mark.parametrize(
    "lines",
    {
        "one line": b"X-Long: " + b"x" * (64 * KIB) + b"\r\n",
        "few lines": (b"X-Long: " + b"x" * 8000 + b"\r\n") * 9,
        "many lines": b"a: b\r\n" * 101,
        "a name": b"x" * (64 * KIB) + b": y\r\n",
    }.items(),
    ids=lambda item: item[0],
)
def test_a_head_that_is_too_large_is_refused(program: Process, lines: tuple[str, bytes]) -> None:
    with connected(program.url) as connection:
        connection.sendall(head()[:-2] + lines[1] + b"\r\n")
        headers = refused(connection, 431, "head_too_large", "100 headers")
    line = logged(program, headers["x-request-id"])
    assert "method=GET  path=/healthz  status=431" in line


def test_a_head_just_within_its_bounds_is_answered(program: Process) -> None:
    with connected(program.url) as connection:
        many = [f"a{n}: b" for n in range(99)]
        connection.sendall(head("GET", "/healthz", *many))
        assert answer(connection)[0] == 200
        connection.sendall(head("GET", "/healthz", *(f"X-Long-{n}: {'x' * 16_000}" for n in range(4))))
        assert answer(connection)[0] == 200
        connection.sendall(head("GET", f"/healthz?{'x' * 16_000}"))
        assert answer(connection)[0] == 400  # by the endpoint, which has no such parameter


@pytest.mark.parametrize("path", ["/" + "x" * (16 * KIB), "/healthz?" + "x" * (16 * KIB)])
def test_a_url_that_is_too_long_is_refused(program: Process, path: str) -> None:
    with connected(program.url) as connection:
        connection.sendall(head("GET", path))
        refused(connection, 431, "head_too_large", "URL of at most 16 KiB")


@pytest.mark.slow
@pytest.mark.parametrize(
    "start", [b"GET /", b"GET / HTTP/1.1\r\nX-Long: ", b"GET / HTTP/1.1\r\nx", b"GET / HTTP/1.1\r\n"]
)
def test_a_head_without_end_is_cut_early(program: Process, start: bytes) -> None:
    before = memory(program)
    with connected(program.url) as connection:
        connection.sendall(start)
        endless = b"a: b\r\n" if start.endswith(b"\n") else b"x"
        assert pushed(connection, endless * (8 * KIB), 100 * MIB) < 16 * MIB  # most of it in buffers of the kernel
    assert memory(program) - before < 5 * MIB


def memory(program: Process) -> int:
    """Return the bytes of memory that the program holds."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{program.popen.pid}/status").read_text())
    assert found
    return int(found.group(1)) * KIB


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"HELLO\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /auth/request HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_with_an_error_and_a_hint(program: Process, sent: bytes) -> None:
    with connected(program.url) as connection:
        connection.sendall(sent)
        refused(connection, 400, "invalid_value", "HTTP/1.1")


def test_a_request_to_upgrade_is_answered_in_http(program: Process) -> None:
    with connected(program.url) as connection:
        connection.sendall(head("GET", "/healthz", "Connection: Upgrade", "Upgrade: h2c") + b"\x00\x00")
        status, headers, body = answer(connection)
        assert (status, headers["connection"], body) == (200, "close", "ok\n")
        assert rest(connection) == b""


def test_a_body_that_breaks_off_into_nonsense_is_refused(program: Process, token: str) -> None:
    with connected(program.url) as connection:
        connection.sendall(
            head("POST", "/contacts", "Transfer-Encoding: chunked", token=token) + b'5\r\n{"nam\r\nxyz\r\n'
        )
        refused(connection, 400, "invalid_value", "HTTP/1.1")


def test_a_refusal_comes_after_the_answers_before_it(program: Process) -> None:
    with connected(program.url) as connection:
        connection.sendall(head() + head() + b"nonsense\r\n\r\n" + head())
        assert [answered[:2] for answered in re.findall(rb"HTTP/1.1 (\d+)", rest(connection))] == [b"20", b"20", b"40"]


def test_zeros_before_a_content_length_change_nothing(program: Process, token: str) -> None:
    with connected(program.url) as connection:
        length = f"Content-Length: {'0' * 5000}"
        connection.sendall(head("POST", "/contacts", f"{length}15", token=token) + b'{"name": "Jan"}')
        assert answer(connection)[0] == 201
    with connected(program.url) as connection:
        connection.sendall(head("POST", "/contacts", f"{length}{KIB * MIB}", token=token))
        assert answer(connection)[0] == 413
