"""How the program stops: what runs is answered, and nobody who is slow holds it up."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from crmkit.settings import SettingsError
from crmkit.storage.interface.connection import Connection
from crmkit.storage.lists import pages
from crmkit.web.connection import server
from tests.house import ALICE, UNLIMITED, Process, command, house, process
from tests.web.connection.raw import answer, connected, head

pytestmark = pytest.mark.alone

STOPS = 2.0  # seconds


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Process]:
    with process(tmp_path / "data", **UNLIMITED) as running:
        yield running


def stopped(program: Process) -> float:
    """Stop the program with a signal and return how many seconds that took."""
    started = time.monotonic()
    assert program.stop() == 0
    took = time.monotonic() - started
    printed = program.printed()
    assert "Traceback" not in printed
    assert "Cancelled" not in printed
    return took


def test_clients_that_are_slow_in_every_way_hold_up_no_stop(program: Process) -> None:
    with program.sign_in() as me:
        token = me.token
    with ExitStack() as stack:

        def held(sent: bytes) -> socket.socket:
            connection = stack.enter_context(connected(program.url))
            connection.sendall(sent)
            return connection

        held(b"")
        held(b"GET /heal")
        held(head()[:-2])
        idle = held(head())
        assert answer(idle)[0] == 200
        slow = [held(head("POST", "/contacts", "Content-Length: 100", token=token) + b'{"na') for _ in range(20)]
        refused = held(head("POST", "/contacts", "Content-Length: 100"))
        assert answer(refused)[0] == 401
        for _ in range(20):
            held(head("GET", "/openapi.json") * 50)  # and reads nothing
        assert stopped(program) < STOPS
        for connection in slow:
            status, headers, body = answer(connection)
            assert (status, headers["connection"], headers["retry-after"]) == (503, "close", "1")
            assert body.startswith("ERROR busy\nHINT  ")
    assert len(re.findall(r"method=POST  path=/contacts  status=503", program.printed())) == 20


def test_a_body_that_still_comes_in_time_during_a_stop_is_answered(program: Process) -> None:
    with program.sign_in() as me:
        token = me.token
    body = b'{"name":"Jane Doe"}'
    with connected(program.url) as connection, connected(program.url) as other:
        connection.sendall(head("POST", "/contacts", f"Content-Length: {len(body)}", token=token) + body[:5])
        other.sendall(head())
        assert answer(other)[0] == 200  # the server knows the first one by now
        program.popen.send_signal(signal.SIGTERM)
        assert other.recv(10) == b""  # it stops
        connection.sendall(body[5:])
        assert answer(connection)[0] == 201
    assert program.popen.wait(15) == 0


def test_a_list_that_still_reads_at_a_stop_is_given_up_and_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_begun = threading.Event()

    def endless(connection: Connection, *_: Any) -> None:
        has_begun.set()
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        connection.execute(numbers).fetchone()

    with ThreadPoolExecutor() as pool:
        with house(tmp_path / "data") as home:
            alice = home.sign_in(ALICE)
            monkeypatch.setattr(pages, "fetch_page", endless)
            asked = [pool.submit(alice.get, "/contacts") for _ in range(2)]  # one runs, one waits for its turn
            assert has_begun.wait(20)
            started = time.monotonic()
        assert time.monotonic() - started < STOPS + 1  # what runs the tests runs here, too
        for answered in (one.result(20) for one in asked):
            assert answered.status_code == 503
            assert answered.text.startswith("ERROR busy\nHINT  The server is stopping")
        alice.close()


def test_calls_that_wait_for_changes_are_answered_at_once_at_a_stop(program: Process) -> None:
    with program.sign_in() as me, ExitStack() as stack:
        waiting = [stack.enter_context(connected(program.url)) for _ in range(4)]
        for connection in waiting:
            connection.sendall(head(path="/changes?wait=60", token=me.token))
        while me.get("/changes?wait=1").status_code != 429:  # all four wait
            pass
        assert stopped(program) < server.STOP_SECONDS
        for connection in waiting:
            status, headers, body = answer(connection)
            assert (status, headers["connection"]) == (200, "close")
            assert body.startswith("# 0 changes\n# next: ")


def test_a_mail_server_that_says_nothing_holds_up_no_stop(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        with (
            process(tmp_path / "data", local=False, CRMKIT_MAIL_SMTP_URL=url) as running,
            connected(running.url) as one,
        ):
            body = b'{"email":"alice@example.com"}'
            one.sendall(head("POST", "/auth/request", f"Content-Length: {len(body)}") + body)
            silent.settimeout(20)
            asked, _ = silent.accept()  # the server waits for its greeting from now on
            with asked:
                assert stopped(running) < STOPS
            status, _, told = answer(one)
            assert (status, told.splitlines()[0]) == (503, "ERROR busy")
            assert "may or may not have been done" in told


def test_without_clients_the_program_stops_in_time(program: Process) -> None:
    assert stopped(program) < STOPS


@pytest.mark.parametrize("option", ["limit_concurrency", "timeout_keep_alive", "h11_max_incomplete_event_size"])
def test_an_option_of_uvicorn_that_our_protocol_would_ignore_is_refused(option: str) -> None:
    with pytest.raises(SettingsError, match=option):
        server.check({option: 1})
    server.check(server.OPTIONS)


def test_an_option_of_uvicorn_that_our_protocol_would_ignore_stops_the_start(tmp_path: Path) -> None:
    script = "import sys; from crmkit.web.connection import server; from crmkit.cli import main; "
    script += "server.OPTIONS['h11_max_incomplete_event_size'] = 65536; sys.exit(main(sys.argv[1:]))"
    (_, _, _, *arguments), env = command("serve", "--port", "0", "--data", str(tmp_path / "data"))
    line = [sys.executable, "-c", script, *arguments]
    ended = subprocess.run(line, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("crmkit: uvicorn is given h11_max_incomplete_event_size, which its HTTP parser")
    assert ended.stderr.count("\n") == 1
    assert "serves" not in ended.stdout
