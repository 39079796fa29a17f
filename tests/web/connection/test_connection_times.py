"""How long one connection may wait, send or leave an answer unread, tried past each bound at the started program."""

import socket
import time

import pytest

from tests.house import Process
from tests.web.connection.raw import answer, connected, head, is_open, logged, refused, rest

pytestmark = pytest.mark.slow

KIB = 1024


def test_a_connection_that_says_nothing_is_closed(program: Process) -> None:
    with connected(program.url) as connection:
        assert rest(connection) == b""


def test_a_head_that_does_not_end_in_time_is_refused(program: Process) -> None:
    with connected(program.url) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        headers = refused(connection, 408, "request_timeout", "head")
    assert "status=408" in logged(program, headers["x-request-id"])


def test_a_second_head_that_trickles_in_is_refused(program: Process) -> None:
    with connected(program.url) as connection:
        connection.sendall(head())
        assert answer(connection)[0] == 200
        connection.setblocking(False)
        started = time.monotonic()
        for byte in head("GET", "/healthz", "X-Long: " + "x" * 1000):
            connection.send(bytes([byte]))
            try:
                found = connection.recv(65536)
            except BlockingIOError:
                time.sleep(0.02)
                continue
            assert found.startswith(b"HTTP/1.1 408 ")
            break
        else:
            raise AssertionError("it was heard to its end")
        assert time.monotonic() - started < 10


def test_a_connection_that_waits_between_requests_is_closed_after_a_while(program: Process) -> None:
    with connected(program.url) as connection:
        connection.sendall(head())
        assert answer(connection)[1].get("connection") is None
        started = time.monotonic()
        assert rest(connection) == b""
        assert time.monotonic() - started > 0.9


@pytest.mark.parametrize("sent", [b"", b'{"name"'])
def test_a_body_that_does_not_come_on_is_refused(program: Process, token: str, sent: bytes) -> None:
    with connected(program.url) as connection:
        connection.sendall(head("POST", "/contacts", "Content-Length: 100", token=token) + sent)
        refused(connection, 408, "request_timeout", "body")


def test_a_body_sent_byte_by_byte_is_refused_and_one_sent_by_kilobytes_is_taken(program: Process, token: str) -> None:
    with connected(program.url) as slow, connected(program.url) as steady:
        for connection in (slow, steady):
            connection.sendall(head("POST", "/contacts", "Content-Length: 30000", token=token))
        slow.setblocking(False)
        found = b""
        for _ in range(29):  # for longer than both are given
            steady.sendall(b" " * KIB)
            if not found:
                slow.send(b" ")
                time.sleep(0.1)
                try:
                    found = slow.recv(65536)
                except BlockingIOError:
                    continue
        assert found.startswith(b"HTTP/1.1 408 ")
        steady.sendall(b" " * (30000 - 29 * KIB - 12) + b'{"name":"X"}')
        assert answer(steady)[0] == 201


def test_an_answer_that_nobody_reads_is_given_up(program: Process, token: str) -> None:
    with connected(program.url) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(head("GET", "/openapi.json") * 90)
        port = connection.getsockname()[1]
        deadline = time.monotonic() + 15
        while is_open(program, port):
            assert time.monotonic() < deadline, "the connection is still open"
            time.sleep(0.05)
    assert program.printed().count("path=/openapi.json") < 15  # the others were not even begun
