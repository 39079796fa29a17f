"""Bodies that nobody reads: what is refused is not read to its end, and its client still gets the answer."""

import time
from contextlib import suppress

import pytest

from tests.house import Process
from tests.web.connection.raw import answer, connected, head, is_open, pushed, refused, rest

KIB = 1024
MIB = 1024 * KIB


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "method", "path", "with_token"),
    [
        (401, "POST", "/contacts", False),
        (404, "POST", "/nowhere", True),
        (413, "POST", "/contacts", True),
        (200, "GET", "/healthz", True),
    ],
)
def test_after_an_answer_the_rest_of_the_body_is_not_read(
    program: Process, token: str, status: int, method: str, path: str, with_token: bool
) -> None:
    with connected(program.url) as connection:
        connection.sendall(head(method, path, f"Content-Length: {KIB * MIB}", token=token if with_token else ""))
        found, headers, _ = answer(connection)
        assert (found, headers["connection"]) == (status, "close")
        assert pushed(connection, b" " * (64 * KIB), KIB * MIB) < 16 * MIB  # most of it in buffers of the kernel


@pytest.mark.slow
def test_a_client_that_sends_a_little_more_gets_the_answer_and_no_reset(program: Process) -> None:
    with connected(program.url) as connection:
        connection.sendall(head("POST", "/contacts", f"Content-Length: {200 * KIB}"))
        assert answer(connection)[0] == 401
        for _ in range(10):  # sent on to an end that is closed, this would fail
            connection.sendall(b" " * (20 * KIB))
            time.sleep(0.02)
        assert rest(connection) == b""


@pytest.mark.slow
def test_a_client_that_sends_on_and_on_is_not_reset_before_it_could_read_the_answer(program: Process) -> None:
    with connected(program.url) as connection:
        connection.sendall(head("POST", "/contacts", f"Content-Length: {KIB * MIB}"))
        connection.setblocking(False)
        for _ in range(10):
            with suppress(BlockingIOError):  # once all buffers are full
                while True:
                    connection.send(b" " * (64 * KIB))
            time.sleep(0.02)
        connection.setblocking(True)
        assert answer(connection)[0] == 401


@pytest.mark.slow
def test_a_refused_client_that_stays_is_refused_once(program: Process) -> None:
    before = program.printed().count("status=431")
    with connected(program.url) as connection:
        connection.sendall(b"GET /refused-once HTTP/1.1\r\n" + b"a: b\r\n" * 200)
        refused(connection, 431, "head_too_large")
        deadline = time.monotonic() + 10
        while is_open(program, connection.getsockname()[1]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert program.printed().count("status=431") == before + 1
    assert "Traceback" not in program.printed()


def test_a_body_that_was_read_leaves_the_connection_open(program: Process, token: str) -> None:
    with connected(program.url) as connection:
        for status, body in ((201, b'{"name":"X"}'), (400, b"{"), (400, b"{}")):
            length = f"Content-Length: {len(body)}"
            connection.sendall(head("POST", "/contacts", length, token=token) + body)
            assert answer(connection)[0] == status


def test_a_small_body_that_comes_after_its_answer_leaves_the_connection_open(program: Process) -> None:
    with connected(program.url) as connection:
        for _ in range(3):
            connection.sendall(head("POST", "/nowhere", "Content-Length: 1000"))
            status, headers, _ = answer(connection)
            assert (status, "connection" in headers) == (404, False)
            connection.sendall(b" " * 1000)
        connection.sendall(head())
        assert answer(connection)[0] == 200


def test_a_body_that_was_announced_and_not_asked_for_ends_the_connection(program: Process) -> None:
    with connected(program.url) as connection:  # its client sends the next request, not the body
        connection.sendall(head("POST", "/nowhere", "Expect: 100-continue", "Content-Length: 1000"))
        status, headers, _ = answer(connection)
        assert (status, headers["connection"]) == (404, "close")


def test_http_1_0_is_answered_once(program: Process) -> None:
    with connected(program.url) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n")
        assert rest(connection).endswith(b"\r\nconnection: close\r\n\r\nok\n")


def test_a_body_may_come_in_chunks_and_after_100_continue(program: Process, token: str) -> None:
    with connected(program.url) as connection:
        chunked = head("POST", "/contacts", "Transfer-Encoding: chunked", "Expect: 100-continue", token=token)
        connection.sendall(chunked)
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b'7\r\n{"name"\r\n')
        connection.sendall(b'5\r\n:"X"}\r\n0\r\n\r\n')
        assert answer(connection)[0] == 201
