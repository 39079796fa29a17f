"""Lists that read every contact of a large workspace: others are served, and the write-ahead log stays small."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator

from attack import report
from attack.lab import Lab
from attack.program import Program
from attack.report import Row
from attack.victim import watching
from bench.dataset import make
from crmkit.storage.database import FILE

MB = 1 << 20
WAIT_SECONDS = 0.5  # that another workspace may wait for a list of its own
LOG_MB = 256.0
DEAR = "/contacts?sort=custom.size&limit=200"  # no index serves it: every contact is read
LISTS = 250  # of one token at once, fewer than it may send in a minute
READERS, WRITERS = 3, 8  # that keep on
BODY = b'{"name":"Written","notes":"' + b"x y z " * 3_000 + b'"}'
CREATES = 6_000  # with the bodies above: 500 MB of the log, were it never begun anew


async def campaign(lab: Lab) -> AsyncIterator[Row]:
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

    seconds = lab.many(30, 120)
    largest, written = await _beside_writers(served, token, lab.many(CREATES, 4 * CREATES), seconds)
    yield report.at_most("write-ahead log beside dear lists", f"{written:,} creates", largest / MB, LOG_MB, "MB")


async def _dear(served: Program, token: str, answers: Counter[int]) -> None:
    async with served.client(token) as client:
        answers[(await client.get(DEAR)).status] += 1


async def _beside_writers(served: Program, token: str, creates: int, seconds: float) -> tuple[int, int]:
    """Return the largest write-ahead log, in bytes, and the creates answered, of `creates` unless time is over."""
    log = served.folder / f"{FILE}-wal"
    answers: Counter[int] = Counter()
    written: Counter[int] = Counter()

    async def read() -> None:
        while True:
            await _dear(served, token, answers)

    async def write() -> None:
        async with served.client(token) as client:
            while True:
                answer = await client.ask("POST", "/contacts", BODY)
                written[answer.status] += 1

    largest = 0
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read()) for _ in range(READERS)]
        tasks += [group.create_task(write()) for _ in range(WRITERS)]
        end = time.perf_counter() + seconds
        while written[201] < creates and time.perf_counter() < end:
            await asyncio.sleep(0.1)
            largest = max(largest, log.stat().st_size if log.exists() else 0)
        for task in tasks:
            task.cancel()
    return largest, written[201]
