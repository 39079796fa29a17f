"""How many connections, files and requests ahead the started program takes, and that others are served past that."""

import re
import resource
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest

from tests.house import Process, command, process
from tests.web.connection.raw import announced, answer, connected, head, refused, rest

pytestmark = pytest.mark.slow


@contextmanager
def with_files(folder: Path, flags: str, **environ: str) -> Iterator[tuple[int, str]]:
    """Run the program under `ulimit` and yield its process id and URL."""
    environ = {"CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "0", **environ}
    line, env = command("serve", "--port", "0", "--data", str(folder), **environ)
    limited = ["sh", "-c", f"ulimit {flags}; exec {shlex.join(line)}"]
    with subprocess.Popen(limited, env=env, stdout=PIPE, stderr=DEVNULL, cwd=folder.parent) as program:
        try:
            yield program.pid, announced(program)
        finally:
            program.kill()


def test_each_client_has_a_limit_of_connections_of_its_own(tmp_path: Path) -> None:
    with process(tmp_path / "data", CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT="5") as program, ExitStack() as stack:
        deadline = time.monotonic() + 10
        for _ in range(5):
            held = stack.enter_context(connected(program.url, "127.0.0.2"))
            held.sendall(head())
            assert answer(held)[0] == 200
        with connected(program.url, "127.0.0.2") as one_more:
            headers = refused(one_more, 503, "busy", "at most 5 connections")
            assert headers["retry-after"] == "1"
        with connected(program.url, "127.0.0.3") as other:
            other.sendall(head())
            assert answer(other)[0] == 200
        held.close()
        while True:  # once the server has noticed
            with connected(program.url, "127.0.0.2") as freed:
                freed.sendall(head())
                if answer(freed)[0] == 200:
                    break
            assert time.monotonic() < deadline


def test_a_trusted_proxy_has_no_limit_of_connections_and_0_lifts_that_of_all(tmp_path: Path) -> None:
    for environ in ({"CRMKIT_SERVER_TRUSTED_PROXIES": "127.0.0.1"}, {"CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "0"}):
        limits = {"CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "2", **environ}
        with process(tmp_path / "data", **limits) as program, ExitStack() as stack:
            held = [stack.enter_context(connected(program.url)) for _ in range(20)]
            for connection in held:
                connection.sendall(head())
                assert answer(connection)[0] == 200


def test_a_client_with_far_too_many_connections_leaves_room_for_others(tmp_path: Path) -> None:
    with (
        with_files(tmp_path / "data", "-n 200", CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT="5") as (_, url),
        ExitStack() as stack,
    ):
        for _ in range(300):
            stack.enter_context(connected(url, "127.0.0.2"))
        with connected(url, "127.0.0.3") as other:
            other.sendall(head())
            assert answer(other)[0] == 200


def test_past_the_limit_of_all_connections_new_ones_are_refused_and_old_ones_served(tmp_path: Path) -> None:
    with process(tmp_path / "data", CRMKIT_LIMITS_CONNECTIONS="20") as program, ExitStack() as stack:
        held = [stack.enter_context(connected(program.url)) for _ in range(20)]
        for connection in held:
            connection.sendall(head())
            assert answer(connection)[0] == 200
        with connected(program.url) as one_more:
            assert refused(one_more, 503, "busy")["retry-after"] == "1"
        many = [stack.enter_context(connected(program.url)) for _ in range(200)]
        held[0].sendall(head())
        assert answer(held[0])[0] == 200
        for connection in many:
            connection.close()


def test_the_program_raises_its_limit_of_files_as_far_as_it_may(tmp_path: Path) -> None:
    with with_files(tmp_path / "data", "-S -n 150") as (pid, url), ExitStack() as stack:
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        assert soft == hard > 300
        for connection in [stack.enter_context(connected(url)) for _ in range(300)]:
            connection.sendall(head())
            assert answer(connection)[0] == 200


def test_with_few_file_descriptors_new_clients_are_refused_and_the_others_served(tmp_path: Path) -> None:
    with with_files(tmp_path / "data", "-n 200") as (_, url), ExitStack() as stack:
        held = [stack.enter_context(connected(url)) for _ in range(400)]
        statuses = []
        for connection in held:
            try:
                connection.sendall(head())
                statuses.append(answer(connection)[0])
            except (OSError, AssertionError):
                statuses.append(0)
        assert statuses[:100] == [200] * 100
        assert set(statuses[100:]) == {503, 0}
        held[0].sendall(head("GET", "/readyz"))
        assert answer(held[0])[0] == 200


def test_pipelined_requests_are_answered_in_order_however_many_there_are(program: Process) -> None:
    with connected(program.url) as connection:
        ids = [f"n{number}" for number in range(1000)]
        paths = ["/readyz", "/healthz"] * 500  # the first takes longer
        sent = (head("GET", path, f"X-Request-Id: {id}") for path, id in zip(paths, ids, strict=True))
        connection.sendall(b"".join(sent))
        for id in ids:
            status, headers, _ = answer_of(connection)
            assert (status, headers["x-request-id"]) == (200, id)


def test_too_many_small_requests_behind_a_body_are_refused_after_those_that_fit(program: Process, token: str) -> None:
    body = b'{"name":"X"}'
    with connected(program.url) as connection:
        connection.sendall(head("POST", "/contacts", f"Content-Length: {len(body)}", token=token) + body[:-1])
        time.sleep(0.1)  # the server waits for the rest
        connection.sendall(body[-1:] + b"GET / HTTP/1.1\r\n\r\n" * 900)
        statuses = re.findall(rb"HTTP/1.1 (\d+)", rest(connection))
        assert statuses == [b"201", *[b"400"] * 100, b"503"]


def answer_of(connection: socket.socket) -> tuple[int, dict[str, str], str]:
    """Return one answer of several, byte by byte, so that the next stays unread."""
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        found += connection.recv(1)
    line, *lines = found.decode("latin-1").rstrip().split("\r\n")
    headers = {name.lower(): text for name, text in (one.split(": ", 1) for one in lines)}
    body = b""
    while len(body) < int(headers["content-length"]):
        body += connection.recv(int(headers["content-length"]) - len(body))
    return int(line.split()[1]), headers, body.decode()


def test_clients_that_leave_before_their_answers_cause_no_error(program: Process, token: str) -> None:
    sent = head("GET", "/contacts", token=token) * 50
    for _ in range(100):
        with connected(program.url) as connection:
            connection.sendall(sent)
            connection.recv(100)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    with connected(program.url) as connection:
        connection.sendall(head())
        assert answer(connection)[0] == 200
    assert "Traceback" not in program.printed()
    assert "failed" not in program.printed()
