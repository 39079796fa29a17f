"""The program is killed with kill -9 while jobs run: afterwards nothing was done twice, and nothing is missing."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from crmkit.storage import jobs
from crmkit.storage.jobs import Job
from tests import postgres
from tests.core.jobs.program import add
from tests.house import ROOT, command
from tests.postgres import rows

OF = 1000  # contacts, more than are added before the last kill
KILLS = 4 if postgres.SERVER else 22
WAITS = 60  # seconds until a test gives up


@contextmanager
def program(folder: Path, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the program, and kill it at the end of the block."""
    _, clean = command()
    environ = {**clean, **postgres.environ(folder), "CRMKIT_SERVER_PORT": "0", **environ}
    environ["CRMKIT_AUTH_LOCAL"] = "true"
    with (folder.parent / "output").open("ab") as output:
        line = [sys.executable, "-m", "tests.core.jobs.program"]
        running = subprocess.Popen(line, env=environ, cwd=ROOT, stdout=output, stderr=output)
    try:
        yield running
    finally:
        running.kill()
        running.wait(WAITS)


def found(folder: Path, job: Job) -> Job:
    with postgres.reading(folder) as read:
        now = read(lambda connection: jobs.find(connection, job.workspace_id, job.id))
    assert now is not None
    return now


def moved(folder: Path, job: Job, process: subprocess.Popen[bytes], position: int) -> Job:
    """Return the job once it has passed a position or ended."""
    deadline = time.monotonic() + WAITS
    while (now := found(folder, job)).ended_at is None and (now.position or 0) <= position:
        assert process.poll() is None, (folder.parent / "output").read_text()
        assert time.monotonic() < deadline, now
        time.sleep(0.01)
    return now


@pytest.mark.slow
def test_a_job_that_is_killed_again_and_again_adds_each_contact_once(tmp_path: Path) -> None:
    folder, luck = tmp_path / "data", random.Random(15)
    job = add(folder, "adder", {"of": OF, "word": "Jane"})
    position = 0
    for _ in range(KILLS):
        with program(folder) as process:
            moved(folder, job, process, position)
            time.sleep(luck.random() * 0.06)
        before, position = position, found(folder, job).position
        assert before < position < OF
        assert_whole(folder, position)
    with program(folder) as process:
        last = moved(folder, job, process, OF)
    assert (last.state, last.result, last.error) == ("done", OF, "")
    assert_whole(folder, OF)


def assert_whole(folder: Path, position: int) -> None:
    """Assert that there is what so many steps do."""
    names = [name for (name,) in rows(folder, "SELECT name FROM contacts ORDER BY seq")]
    assert names == [f"Jane {n}" for n in range(1, position + 1)]
    logged = rows(folder, "SELECT count(*), count(DISTINCT target) FROM audit WHERE action = 'contact.create'")
    assert logged == [(position, position)]
    assert rows(folder, "SELECT live FROM counts WHERE kind = 'contacts'") == [(position,)]


class Receiver(ThreadingHTTPServer):
    """Keeps what it was sent, and lets those wait whose turn it is to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.daemon_threads = True
        self.received: list[bytes] = []
        self.hangs = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.received.append(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.hangs.is_set():
            time.sleep(WAITS)
        self.send_response(202)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(WAITS)


def test_what_is_sent_is_sent_before_each_step_which_gets_the_answer(tmp_path: Path, receiver: Receiver) -> None:
    folder = tmp_path / "data"
    job = add(folder, "posting", {"of": 5, "url": receiver.url})
    with program(folder) as process:
        last = moved(folder, job, process, 5)
    assert (last.state, last.result) == ("done", 202)
    assert receiver.received == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.slow
def test_what_was_being_sent_when_the_program_was_killed_is_sent_again(tmp_path: Path, receiver: Receiver) -> None:
    folder = tmp_path / "data"
    job = add(folder, "posting", {"of": 3, "url": receiver.url})
    receiver.hangs.set()
    deadline = time.monotonic() + WAITS
    with program(folder, LEASE_SECONDS="1"):
        while not receiver.received:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert found(folder, job).position is None
    receiver.hangs.clear()
    with program(folder, LEASE_SECONDS="30") as process:
        last = moved(folder, job, process, 3)
    assert (last.state, last.result) == ("done", 202)
    assert receiver.received == [b"0", b"0", b"1", b"2"]
