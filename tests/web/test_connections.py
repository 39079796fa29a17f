"""What one connection may do: sizes, numbers and times, sent past their bounds to the started program."""

import re
import resource
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest

from tests.house import UNLIMITED, Process, command, process
from tests.web.raw import announced, answer, connected, head, pushed, rest

KIB = 1024
MIB = 1024 * KIB


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The program with all times as short as they can be set."""
    times = {f"CRMKIT_LIMITS_{name}_SECONDS": "1" for name in ("HEAD", "STALL", "IDLE")}
    folder = tmp_path_factory.mktemp("connections") / "data"
    with process(folder, **UNLIMITED, **times) as running:
        yield running
        assert "Traceback" not in running.printed()


@pytest.fixture(scope="module")
def token(program: Process) -> str:
    with program.sign_in() as me:
        return me.token


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


# sizes


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
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
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


# times


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


def is_open(program: Process, port: int) -> bool:
    """Tell whether the program still holds its end of the connection that has this port at the other."""
    own = int(program.url.rpartition(":")[2])
    lines = Path(f"/proc/{program.popen.pid}/net/tcp").read_text().splitlines()[1:]
    ends = [
        (line.split()[1], line.split()[2], line.split()[9]) for line in lines
    ]  # without an inode, no process has it
    return any(int(a.split(":")[1], 16) == own and int(b.split(":")[1], 16) == port and i != "0" for a, b, i in ends)


# numbers


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


def test_with_few_files_new_clients_are_sent_away_and_the_others_are_served(tmp_path: Path) -> None:
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


def test_requests_sent_ahead_are_answered_in_order_however_many_there_are(program: Process) -> None:
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


# what is refused is not read to its end


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


def test_a_client_that_sends_a_little_more_gets_the_answer_and_no_reset(program: Process) -> None:
    with connected(program.url) as connection:
        connection.sendall(head("POST", "/contacts", f"Content-Length: {200 * KIB}"))
        assert answer(connection)[0] == 401
        for _ in range(10):  # sent on to an end that is closed, this would fail
            connection.sendall(b" " * (20 * KIB))
            time.sleep(0.02)
        assert rest(connection) == b""


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


def test_a_refused_client_that_stays_is_refused_once(program: Process) -> None:
    with connected(program.url) as connection:
        connection.sendall(b"GET /refused-once HTTP/1.1\r\n" + b"a: b\r\n" * 200)
        refused(connection, 431, "head_too_large")
        deadline = time.monotonic() + 10
        while is_open(program, connection.getsockname()[1]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert program.printed().count("/refused-once") == 1
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
