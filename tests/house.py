"""The house that tests live in: a real server, real files, a clock that is given, and people with a story.

Alice is an admin, Bob a member, Charlie a stranger.
"""

import asyncio
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec.structs import replace

from crmkit import boot
from crmkit.core.crm import Crm
from crmkit.core.jobs.kind import JobKinds
from crmkit.mail import Message
from crmkit.model.record import Kinds
from crmkit.settings import Settings
from crmkit.web.connection.accesslog import AccessLog
from crmkit.web.connection.logwriter import LogWriter
from crmkit.web.connection.server import Server
from crmkit.web.route import Route
from tests import postgres
from tests.lanes import WATCHED, WatchedDatabase

T = TypeVar("T")

START_SECONDS = 90  # on a machine that is busy

ROOT = Path(__file__).parent.parent

# of requests per minute, so that no limit stands in the way of what is tested
UNLIMITED = {
    f"CRMKIT_LIMITS_{name}": "0" for name in ("REQUESTS_PER_MINUTE", "REQUESTS_PER_MINUTE_USER", "SIGNINS_PER_MINUTE")
}
# many people sign in from this one machine; the limit of mails per client has tests of its own
ROOM = {"CRMKIT_LIMITS_MAILS_PER_CLIENT": "0"}

ALICE, BOB, CHARLIE = "alice@example.com", "bob@example.com", "charlie@example.com"


@dataclass
class GivenClock:
    """A clock that moves when it is told to."""

    now: datetime = field(default_factory=lambda: datetime(2026, 6, 10, 9, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Letterbox:
    """A mailer that keeps what is sent. (Real SMTP is tested in tests/mail and tests/web/mail.)"""

    letters: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        self.letters.append(message)

    def code_for(self, email: str) -> str:
        letter = next(letter for letter in reversed(self.letters) if letter.to == email)
        found = re.search(r"^    ([a-z0-9]{6,8})$", letter.body, re.MULTILINE)
        assert found, f"no code in the mail to {email}"
        return found[1]


class Person(httpx.Client):
    """Someone who talks to the server; signed in when there is a token."""

    def __init__(self, url: str, token: str = "", email: str = "", **more: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # all of it is plain HTTP, and reading this machine's certificates takes 20 ms
        super().__init__(base_url=url, headers=headers, timeout=30, verify=False, **more)
        self.token = token
        self.email = email

    def text(self, method: str, path: str, body: Any = None, **more: Any) -> str:
        """Return the body of the answer as text."""
        return self.send_it(method, path, body, **more).text

    def json_of(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Return the decoded JSON answer."""
        more["headers"] = {"Accept": "application/json", **more.get("headers", {})}
        return self.send_it(method, path, body, **more).json()

    def send_it(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        if body is not None and not isinstance(body, bytes | str):
            return self.request(method, path, json=body, **more)
        return self.request(method, path, content=body, **more)


def record_in(written: dict[str, Any]) -> dict[str, Any]:
    """Return the record in the JSON of a write, as reading it answers: without the operation."""
    return {name: content for name, content in written.items() if name != "operation"}


@dataclass
class House:
    """A server in this process, over real HTTP, with a clock and a letterbox that the test holds."""

    url: str
    crm: Crm
    clock: GivenClock
    letterbox: Letterbox
    log: io.StringIO
    loop: asyncio.AbstractEventLoop
    writer: LogWriter
    folder: Path
    visitors: list[httpx.Client] = field(default_factory=list)

    def logged(self) -> str:
        """Return the access log with a line for everything that was answered."""
        passed = threading.Event()
        self.loop.call_soon_threadsafe(passed.set)
        assert passed.wait(20)
        assert self.writer.flush(20)
        return self.log.getvalue()

    def rested(self) -> None:
        """Return once all is written that requests before this one left to be written beside them."""
        self.do(self.crm.database.write(lambda tx: None))
        while postgres.SERVER and self.crm.database._later:  # type: ignore[attr-defined]
            time.sleep(0.005)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns in the event loop of the server."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def visitor(self) -> httpx.Client:
        """Return a client without a token, which is closed with the house."""
        self.visitors.append(httpx.Client(base_url=self.url, timeout=30, verify=False))
        return self.visitors[-1]

    def stranger(self) -> Person:
        return Person(self.url)

    def sign_in(self, email: str, token_name: str = "test") -> Person:
        """Return the person behind an address, signed in by a mailed code."""
        with self.stranger() as someone:
            assert someone.post("/auth/request", json={"email": email}).status_code == 200
            entry = {"email": email, "code": self.letterbox.code_for(email.lower()), "token_name": token_name}
            answer = someone.post("/auth/verify", json=entry, headers={"Accept": "application/json"})
            assert answer.status_code == 200, answer.text
        return Person(self.url, answer.json()["token"], email)


@contextmanager
def house(
    folder: Path,
    environ: Mapping[str, str] | None = None,
    clock: GivenClock | None = None,
    file: Path | None = None,
    kinds: Kinds = boot.KINDS,
    more: Sequence[Route] = (),
    jobs: JobKinds = boot.JOBS,
) -> Iterator[House]:
    """Run a server on a free port of loopback until the block ends; `environ` holds CRMKIT_ settings, `file` others.

    It has `more` routes than the product.
    """
    settings = boot.load_settings(file, {**postgres.environ(folder), **ROOM, **(environ or {})}, kinds=kinds)
    clock, letterbox, log = clock or GivenClock(), Letterbox(), io.StringIO()
    listener = socket.create_server(("127.0.0.1", 0))  # given to the server as it is, so that nobody else gets the port
    port = listener.getsockname()[1]
    settings = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, port=port))
    crm = boot.crm_of(settings, clock, postgres.behind_walls(settings) if postgres.SERVER else WATCHED, kinds, jobs)
    if not settings.mail.smtp_url:
        crm = replace(crm, mailer=letterbox)
    access_log = AccessLog(settings.server.log, log)
    server = Server(boot.application(crm, access_log, more), settings, most=1000)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.005)
    loop = server.servers[0].get_loop()
    running = House(f"http://127.0.0.1:{port}", crm, clock, letterbox, log, loop, access_log.writer, folder)
    try:
        yield running
    finally:
        for visitor in running.visitors:
            visitor.close()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server did not stop"
        listener.close()
        if isinstance(crm.database, WatchedDatabase):
            assert not crm.database.strays, "\n".join(crm.database.strays)


@dataclass
class Process:
    """The real program, as an operator starts it."""

    popen: subprocess.Popen[bytes]
    url: str
    folder: Path
    output: Path

    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def sign_in(self, email: str = ALICE, token_name: str = "test") -> Person:
        """Return the person behind an address; needs local mode."""
        with Person(self.url) as someone:
            code = someone.json_of("POST", "/auth/request", {"email": email})["local_code"]
            entry = {"email": email, "code": code, "token_name": token_name}
            return Person(self.url, someone.json_of("POST", "/auth/verify", entry)["token"], email)

    def kill(self) -> None:
        """kill -9."""
        self.popen.kill()
        self.popen.wait(10)

    def stop(self) -> int:
        """SIGTERM; return the exit status."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(15)


def command(*arguments: str, **environ: str) -> tuple[list[str], dict[str, str]]:
    """Return how to run the program, free of the settings of whoever runs the tests."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CRMKIT_")}
    return [sys.executable, "-m", "crmkit", *arguments], {**clean, **environ}


def run(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    if postgres.SERVER and "--data" in arguments:
        at = arguments.index("--data")
        environ = {**postgres.environ(cwd / arguments[at + 1]), **environ}
        arguments = (*arguments[:at], *arguments[at + 2 :])
    line, env = command(*arguments, **environ)
    return subprocess.run(line, env=env, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def process(
    folder: Path, *arguments: str, local: bool = True, said: str = "output", port: int = 0, **environ: str
) -> Iterator[Process]:
    """Run `crmkit serve` on a port of loopback until the block ends (killed if it still runs): a free one unless given.

    What it prints goes to a file beside the folder, which ends with what `said` is.
    """
    local_flag = ["--local"] if local else []
    environ = {**ROOM, **postgres.environ(folder), **environ}
    line, env = command("serve", "--port", str(port), *local_flag, *arguments, **environ)
    output = folder.with_name(f"{folder.name}.{said}")
    with output.open("ab") as out:
        before = output.stat().st_size
        popen = subprocess.Popen(line, env=env, cwd=folder.parent, stdout=out, stderr=out)
    try:
        yield Process(popen, _announced(popen, output, before, port), folder, output)
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait(10)


def _announced(popen: subprocess.Popen[bytes], output: Path, before: int, port: int) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        new = output.read_bytes()[before:].decode("utf-8", "replace")
        found = re.search(r"serves (http://[^\s,]+)", new)
        if found:
            url = f"http://127.0.0.1:{port}" if port else found.group(1)  # clients may be told another
            try:
                with Person(url) as someone:
                    if someone.get("/readyz").text == "ready\n":
                        return url
            except httpx.TransportError:
                pass
        assert popen.poll() is None, f"the server ended: {new}"
        time.sleep(0.02)
    raise AssertionError("the server did not start in time")


def settings_of(**environ: str) -> Settings:
    return boot.load_settings(environ=environ)
