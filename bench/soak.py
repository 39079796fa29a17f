"""`make soak`: half an hour of steady load with a backup each minute; exit 1 where something grows that should not.

The server runs alone on one core, on data of its own. First it is measured how much of its core an answer takes, then
as many requests are sent as take a share of that core, on a schedule: an answer is as late as it came after the time
that its request was due. Each period prints what the process holds and how late its answers were. What counts in the
end is how far the last third of the periods lies above the first third, which a short peak does not move.
"""

import argparse
import asyncio
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import linear_regression, median

import msgspec

from bench.lab import run_folder, say
from bench.servers import processes
from bench.servers.processes import LOADER_CORE, ROOT, Server, pinned
from crmkit.storage.sqlite.engine.folder import FILE

CONNECTIONS = 16
CONTACTS = 2_000  # that are there from the start
TRIED_SECONDS = 10.0  # of each of the two trials
ADMIN = "soak@example.com"
CURSOR = re.compile(rb"^# [0-9]+ changes?$(?s:.*)^# next: (\S+)$", re.MULTILINE)  # in an answer of changes


class Sample(msgspec.Struct):
    """What one period came to: MB, files, MB, milliseconds, MB of the database, answers a second, of a core."""

    memory: float
    descriptors: float
    wal: float
    p99: float
    database: float
    rate: float
    core: float  # the share that the server took


class Bound(msgspec.Struct, frozen=True):
    """By how much a figure may grow from the first to the last third: by so much and by this share of the first.

    It may grow by so many times what the database grew by, too: connections keep pages of it, up to 64 MiB each.
    """

    name: str
    unit: str
    by: float
    share: float
    of_database: float = 0.0

    def most(self, first: float, database: float) -> float:
        return self.by + self.share * first + self.of_database * database


BOUNDS = (
    Bound("memory", "MB", 16, 0.10, of_database=2.0),
    Bound("descriptors", "", 8, 0),
    Bound("wal", "MB", 32, 0.5),
    Bound("p99", "ms", 20, 0.5),
)


def growth(values: Sequence[float]) -> tuple[float, float]:
    """Return the median of the first third of some values, and by how much that of the last third is above it."""
    third = max(1, len(values) // 3)
    first = median(values[:third])
    return first, median(values[-third:]) - first


def verdict(samples: Sequence[Sample], every: float) -> tuple[list[str], list[str]]:
    """Return a line for each figure, and the names of those that grow beyond their bounds."""
    lines, over = [], []
    _, database = growth([sample.database for sample in samples])
    for bound in BOUNDS:
        values = [getattr(sample, bound.name) for sample in samples]
        first, more = growth(values)
        slope = linear_regression(range(len(values)), values).slope * 60 / every if len(values) > 1 else 0.0
        most = bound.most(first, database)
        says = f"{bound.name}: first {first:.1f} {bound.unit}, grew {more:+.1f}, at most {most:.1f}"
        lines.append(f"{says}; slope {slope:+.3f} a minute")
        if more > most:
            over.append(bound.name)
    return lines, over


class Load:
    """Requests of a usual day to one workspace: mostly reads; writes change what is there, a few create.

    A client that asks what changed goes on with the cursor of the answer before.
    """

    def __init__(self, token: str, ids: Sequence[str]) -> None:
        self._random, self._ids, self._number, self._since = random.Random(7), ids, 0, "-1d"
        self._head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"

    def next(self) -> bytes:
        self._number += 1
        draw, id = self._random.random(), self._random.choice(self._ids)
        for share, made in self._kinds(id):
            draw -= share
            if draw < 0:
                return made()
        return self._sent("GET", f"/contacts/{id}")

    def answered(self, body: bytes) -> None:
        """Take note of the cursor in an answer of changes."""
        if found := CURSOR.search(body):
            self._since = found[1].decode()

    def _kinds(self, id: str) -> tuple[tuple[float, Callable[[], bytes]], ...]:
        number = self._number
        return (
            (0.15, lambda: self._sent("GET", "/contacts?sort=-updated_at&limit=20")),
            (0.08, lambda: self._sent("GET", f"/contacts?search=person+{number % CONTACTS}&limit=5")),
            (0.01, lambda: self._sent("GET", "/brief")),
            (0.02, lambda: self._sent("GET", f"/changes?since={self._since}&limit=20")),
            (0.10, lambda: self._sent("PATCH", f"/contacts/{id}", {"notes": f"seen {number}"})),
            (
                0.03,
                lambda: self._sent("POST", "/contacts", {"name": "Jane", "email": f"p{number % CONTACTS}@example.com"}),
            ),
            (0.02, lambda: self._sent("POST", f"/contacts/{id}/activities", {"kind": "call", "body": "talked"})),
            (0.01, lambda: self._sent("POST", "/contacts", {"name": f"New {number}"}, f"soak-{number}")),
        )

    def _sent(self, method: str, path: str, body: object = None, key: str = "") -> bytes:
        content = b"" if body is None else msgspec.json.encode(body)
        more = f"Idempotency-Key: {key}\r\n" if key else ""
        more += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
        return f"{method} {path} HTTP/1.1\r\n{self._head}{more}\r\n".encode() + content


class Sending:
    """Connections that send requests when they are due, or one after the other where no rate is given."""

    def __init__(self, port: int, load: Load, rate: float = 0.0) -> None:
        self._port, self._load, self._rate = port, load, rate
        self._sent, self._began = 0, time.perf_counter()
        self.late: list[float] = []  # seconds, of the answers since they were taken last
        self.errors: list[str] = []

    async def run(self, until: float) -> None:
        await asyncio.gather(*(self._connection(until) for _ in range(CONNECTIONS)))

    async def _connection(self, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        try:
            while (due := self._due()) < until and time.perf_counter() < until:
                await asyncio.sleep(due - time.perf_counter())
                writer.write(self._load.next())
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0] or 0)
                body = await reader.readexactly(length)
                self.late.append(time.perf_counter() - due)
                self._load.answered(body)
                if head[9:10] != b"2":
                    self.errors.append(f"{head[9:12].decode()} {body[:200]!r}")
        except (OSError, asyncio.IncompleteReadError) as error:
            self.errors.append(f"the connection broke: {error}")
        finally:
            writer.close()

    def _due(self) -> float:
        self._sent += 1
        return self._began + self._sent / self._rate if self._rate else time.perf_counter()

    def taken(self) -> tuple[float, int]:
        """Return the 99th percentile of how late answers were since the last time, in ms, and how many there were."""
        late, self.late = sorted(self.late), []
        return (late[int(len(late) * 0.99)] * 1e3 if late else 0.0), len(late)


def backed_up(folder: Path, number: int) -> str:
    """Make a backup beside the server, and return what went wrong, or an empty text."""
    command = [sys.executable, "-m", "crmkit", "backup", str(folder.parent / "backup.db"), "--data", str(folder)]
    env = {**processes.ENVIRON, "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with pinned(process, LOADER_CORE):
        printed, _ = process.communicate(timeout=300)
    if process.returncode:
        return f"backup {number} failed: {printed.decode(errors='replace')[-300:]}"
    say(f"backup {number} took {time.perf_counter() - started:.1f} s")
    return ""


async def tried(server: Server, load: Load, seconds: float, share: float) -> tuple[float, list[str]]:
    """Return how many requests a second take a share of the server's core, and what went wrong.

    Clients that wait for their answers tell what the server can take at the very most: their writes come in large
    groups, which costs less than the same writes do when they are spread. So half of that rate is sent on a schedule,
    and what counts is the CPU that an answer takes then.
    """
    waiting = Sending(server.port, load)
    await waiting.run(time.perf_counter() + seconds)
    spread = Sending(server.port, load, len(waiting.late) / seconds / 2)
    before = server.cpu_seconds()
    await spread.run(time.perf_counter() + seconds)
    each = (server.cpu_seconds() - before) / max(1, len(spread.late))
    rate = share / each if each else 1.0
    say(
        f"an answer takes {each * 1e3:.2f} ms of the server's core; {rate:.0f} requests a second take {share:.0%} of it"
    )
    return rate, [*waiting.errors, *spread.errors]


async def soaked(server: Server, folder: Path, load: Load, asked: argparse.Namespace) -> tuple[list[Sample], list[str]]:
    """Return what each period came to, and what went wrong."""
    rate, faults = await tried(server, load, asked.trial, asked.share)
    sending, samples = Sending(server.port, load, rate), list[Sample]()
    periods = max(1, round(asked.minutes * 60 / asked.every))
    work = asyncio.create_task(sending.run(time.perf_counter() + periods * asked.every))
    backup: asyncio.Task[str] | None = None
    for number in range(1, periods + 1):
        if backup is None or backup.done():
            faults += [backup.result()] if backup and backup.result() else []
            backup = asyncio.create_task(asyncio.to_thread(backed_up, folder, number))
        before = server.cpu_seconds()
        await asyncio.sleep(asked.every)
        p99, answers = sending.taken()
        core = (server.cpu_seconds() - before) / asked.every
        samples.append(measured(server, folder, p99, answers / asked.every, core))
        print(f"{number:3} {_told(samples[-1])}", flush=True)
    await work
    last = await backup if backup else ""
    return samples, [*faults, *sending.errors, *([last] if last else [])]


def measured(server: Server, folder: Path, p99: float, rate: float, core: float) -> Sample:
    log, database = folder / f"{FILE}-wal", folder / FILE
    sizes = [file.stat().st_size / 2**20 if file.exists() else 0.0 for file in (log, database)]
    return Sample(server.memory().get("Anonymous", 0.0), server.descriptors(), sizes[0], p99, sizes[1], rate, core)


def _told(sample: Sample) -> str:
    return (
        f"memory {sample.memory:.1f} MB  descriptors {sample.descriptors:.0f}  wal {sample.wal:.1f} MB  "
        f"database {sample.database:.1f} MB  p99 {sample.p99:.1f} ms  "
        f"{sample.rate:.0f} answers/s  {sample.core:.0%} of the core"
    )


def filled(server: Server, token: str) -> Iterator[str]:
    """Yield the ids of CONTACTS new contacts."""
    for start in range(0, CONTACTS, 500):
        items = [
            {"name": f"Person {number}", "email": f"p{number}@example.com"} for number in range(start, start + 500)
        ]
        answer = server.post("/contacts/batch?format=json", token, msgspec.json.encode(items).decode())
        yield from (item["id"] for item in msgspec.json.decode(answer)["items"])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", type=float, default=0.7, help="of the server's core (default 0.7)")
    parser.add_argument("--every", type=float, default=60, help="seconds of a period, with a backup each (default 60)")
    parser.add_argument("--trial", type=float, default=TRIED_SECONDS, help="seconds of each trial before")
    asked = parser.parse_args(arguments)
    with run_folder() as runs:
        folder = runs / "data"
        server = processes.product("crmkit", folder, runs / "log")
        try:
            token = _token(folder)
            load = Load(token, [*filled(server, token)])
            samples, faults = asyncio.run(soaked(server, folder, load, asked))
        finally:
            server.stop()
    lines, over = verdict(samples, asked.every)
    print("\n".join(lines))
    for fault in faults[:5]:
        print(f"fault: {fault}")
    if over:
        print(f"grows beyond its bound: {', '.join(over)}")
    return int(bool(over or faults))


def _token(folder: Path) -> str:
    command = [sys.executable, "-m", "crmkit", "token", "--email", ADMIN, "--data", str(folder)]
    env = {**processes.ENVIRON, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    return printed.split()[0]


if __name__ == "__main__":
    sys.exit(main())
