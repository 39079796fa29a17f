"""One server on one folder, and how it goes: at once by kill -9, with everything finished by a signal."""

import os
import random
import signal
import socket
import subprocess
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE, LOCK
from tests.house import UNLIMITED, Person, Process, command, process, run

pytestmark = pytest.mark.slow


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a command gave for giving up."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("crmkit: ")
    return lines[0]


def test_a_second_server_on_the_same_data_does_not_start(served: Process, tmp_path: Path) -> None:
    second = run("serve", "--port", "0", "--data", str(served.folder), cwd=tmp_path)
    line = one_line(second)
    assert f"process {served.popen.pid}" in line
    assert str(served.folder) in line
    assert "stop it first" in line
    assert httpx.get(f"{served.url}/readyz").text == "ready\n"  # the first did not notice
    assert served.stop() == 0


# between the first look at the data and the start of the server, something else takes the lock
TAKEN = """
import sys
from crmkit import boot
from crmkit.cli import main
from crmkit.storage.sqlite.engine.folder import hold

announcement = boot.announcement

def taken(settings, *rest):
    hold(settings.server.folder)
    return announcement(settings, *rest)

boot.announcement = taken
sys.exit(main())
"""


def test_a_server_whose_data_is_taken_while_it_starts_says_so_in_a_line(tmp_path: Path) -> None:
    line, env = command()
    serve = [line[0], "-c", TAKEN, "serve", "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(serve, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    told, ended = done.stderr.splitlines()
    assert "works on the data in" in told
    assert told.endswith("; stop it first")
    assert ended == "Application startup failed. Exiting."


def test_no_migration_runs_while_a_server_does(served: Process, tmp_path: Path) -> None:
    assert f"process {served.popen.pid}" in one_line(run("migrate", "--data", str(served.folder), cwd=tmp_path))
    assert served.stop() == 0


def test_the_lock_is_free_once_its_server_was_killed_or_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with process(folder) as killed:
        killed.kill()
    assert (folder / LOCK).read_text().rstrip("\0") == f"{killed.popen.pid}\n"  # what is left of it locks nobody out
    with process(folder) as served:
        assert httpx.get(f"{served.url}/readyz").text == "ready\n"
        assert served.stop() == 0
    with process(folder) as served:  # nor after a clean stop
        assert served.stop() == 0


@dataclass
class Outcomes:
    """What became of each contact that was asked for, by its email."""

    created: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    odd: list[str] = field(default_factory=list)
    under_way: threading.Event = field(default_factory=threading.Event)


def keep_posting(url: str, token: str, name: str, outcomes: Outcomes, most: int) -> None:
    """Create contacts until the server is gone."""
    with Person(url, token) as person:
        for number in range(100_000):
            email = f"{name}.{number}@example.com"
            try:
                answer = person.post("/contacts", json={"name": name, "email": email, "notes": "n" * 10_000})
            except httpx.TransportError:
                outcomes.unanswered.add(email)
                return
            if answer.status_code == 201 and answer.text.endswith("# created\n"):
                outcomes.created.add(email)
            else:
                outcomes.odd.append(answer.text)
            if len(outcomes.created) >= most:
                outcomes.under_way.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_when_a_signal_ends_the_server_just_the_answered_writes_are_stored(
    tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "data"
    outcomes = Outcomes()
    with process(folder, **UNLIMITED) as served:
        with served.sign_in() as me:
            token = me.token
        most = random.Random(int(number)).randint(100, 300)
        threads = [
            threading.Thread(target=keep_posting, args=(served.url, token, f"client{n}", outcomes, most))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        assert outcomes.under_way.wait(60)
        served.popen.send_signal(number)
        assert served.popen.wait(15) == 0
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
        assert "Traceback" not in served.printed()
    assert outcomes.odd == []
    assert len(outcomes.unanswered) == 8
    with closing(sqlite3.connect(folder / FILE)) as file:
        stored = {email for (email,) in file.execute("SELECT email FROM contacts")}
        audited = file.execute("SELECT count(*) FROM audit WHERE action = 'contact.create'").fetchone()[0]
    assert stored == outcomes.created  # nothing lost, and nothing done that was not answered
    assert audited == len(stored)


def test_a_request_that_is_under_way_is_finished_on_sigterm(served: Process) -> None:
    with served.sign_in() as me:
        body = b'{"name":"Jane Doe","email":"jane@acme.com"}'
        host, port = served.url.removeprefix("http://").split(":")
        head = f"POST /contacts HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {me.token}\r\n"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n"
        with closing(socket.create_connection((host, int(port)), timeout=30)) as raw:
            raw.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
            assert raw.recv(1000).startswith(b"HTTP/1.1 100 ")  # the server has begun with it
            served.popen.send_signal(signal.SIGTERM)
            raw.sendall(body)
            answer = b""
            while part := raw.recv(10_000):
                answer += part
    assert answer.startswith(b"HTTP/1.1 201 "), answer
    assert answer.endswith(b"# created\n")
    assert served.popen.wait(15) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_right_after_the_start_is_heard(tmp_path: Path, number: signal.Signals) -> None:
    line, env = command("serve", "--port", "0", "--data", str(tmp_path / "data"), CRMKIT_SERVER_LOG="json")
    for _ in range(2):
        with subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path) as popen:
            assert popen.stdout is not None
            try:
                assert b" serves http://" in popen.stdout.readline()
                popen.send_signal(number)
                assert popen.wait(15) == 0
                assert popen.stdout.read() == b""
            finally:
                popen.kill()


def test_nobody_else_can_read_the_files_while_the_server_runs(served: Process) -> None:
    with served.sign_in() as me:
        me.post("/contacts", json={"name": "Jane Doe"})
    modes = {file.name: oct(os.stat(file).st_mode & 0o777) for file in served.folder.iterdir()}
    assert set(modes) == {FILE, f"{FILE}-wal", f"{FILE}-shm", LOCK, "secret.key"}
    assert set(modes.values()) == {"0o600"}
    assert oct(served.folder.stat().st_mode & 0o777) == "0o700"
    assert served.stop() == 0
