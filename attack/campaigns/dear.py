"""Lists that read every contact of a large workspace: others are served, and the write-ahead log stays small."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from attack import report
from attack.lab import Lab
from attack.program import Program
from attack.report import Row
from attack.victim import watching
from bench.data.dataset import make
from crmkit.storage.sqlite.engine.folder import FILE

MB = 1 << 20
WAIT_SECONDS = 0.5  # that another workspace may wait for a list of its own
LOG_MB = 256.0
DEAR = "/contacts?sort=custom.size&limit=200"  # no index serves it: every contact is read
LISTS = 250  # of one token at once, fewer than it may send in a minute
READERS, WRITERS = 3, 8  # that keep on
STEP_SECONDS = 5  # in each of which both go on
BODY = b'{"name":"Written","notes":"' + b"x y z " * 3_000 + b'"}'
CREATES = 20_000  # with the bodies above: 1,600 MB of the log, were it never begun anew


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield what others waited beside many such lists at once, and how the log grew beside lists without an end."""
    contacts = lab.many(20_000, 100_000)
    token, other = await asyncio.to_thread(make, lab.folder / "data", contacts, 4, 10)
    served = await lab.start("data")
    answers: Counter[int] = Counter()
    async with watching(served.port, other, "/contacts?limit=5") as waits:
        await asyncio.gather(*(_dear(served, token, answers) for _ in range(LISTS)))
    size = f"{LISTS} of {contacts:,} contacts"
    yield report.at_most("dear lists: longest wait of another workspace", size, waits.longest, WAIT_SECONDS, "s")
    yield report.exactly("dear lists: others refused or failed", f"{len(waits.times)}", waits.failed, 0)
    strange = sum(times for status, times in answers.items() if status not in (200, 429, 503))
    yield report.exactly("dear lists: answers that are no 200, 429, 503", size, strange, 0)

    seconds = lab.many(60, 240)
    found = await _beside_writers(served, token, lab.many(CREATES, 4 * CREATES), seconds)
    size = f"{found.creates:,} creates, {found.seconds:.0f} s"
    yield report.at_most("write-ahead log beside dear lists", size, found.log / MB, LOG_MB, "MB")
    fewest = [min((pace[kind] for pace in found.paces), default=0) for kind in (0, 1)]
    for kind, number in zip(("lists", "creates"), fewest, strict=True):
        yield report.at_least(f"{kind} answered in the slowest {STEP_SECONDS} s", size, number, 1)


async def _dear(served: Program, token: str, answers: Counter[int]) -> None:
    async with served.client(token) as client:
        answers[(await client.get(DEAR)).status] += 1


@dataclass(frozen=True)
class Beside:
    """What came of dear lists and writers at once: the largest write-ahead log, in bytes, and the creates answered.

    `paces` are the (lists, creates) that were answered in each step of time.
    """

    log: int
    creates: int
    seconds: float
    paces: list[tuple[int, int]]


async def _beside_writers(served: Program, token: str, creates: int, seconds: float) -> Beside:
    """Read and write at once, until so many creates were answered or time is over."""
    log = served.folder / f"{FILE}-wal"
    read_: Counter[int] = Counter()
    written: Counter[int] = Counter()

    async def read() -> None:
        while True:
            await _dear(served, token, read_)

    async def write() -> None:
        async with served.client(token) as client:
            while True:
                answer = await client.ask("POST", "/contacts", BODY)
                written[answer.status] += 1

    largest, paces, before = 0, [], (0, 0)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read()) for _ in range(READERS)]
        tasks += [group.create_task(write()) for _ in range(WRITERS)]
        started = step = time.perf_counter()
        while written[201] < creates and time.perf_counter() < started + seconds:
            await asyncio.sleep(0.1)
            largest = max(largest, log.stat().st_size if log.exists() else 0)
            if time.perf_counter() > step + STEP_SECONDS:
                paces.append((read_[200] - before[0], written[201] - before[1]))
                before, step = (read_[200], written[201]), time.perf_counter()
        took = time.perf_counter() - started
        for task in tasks:
            task.cancel()
    return Beside(largest, written[201], took, paces)
