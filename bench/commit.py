"""How fast the statements of a create can be committed: those that crmkit runs, written down once and run again.

They are recorded while crmkit creates contacts on one copy of the data, and run on another copy from the same start:
one thread, one connection in the product's manner (`synchronous=FULL`), in groups, without anything around them.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.dataset import Dataset, settings_of
from bench.drawn import Drawn
from bench.lab import Lab, say
from bench.load import Broken
from bench.servers import SERVER_CORE
from crmkit import boot
from crmkit.core import records, sessions
from crmkit.records import CONTACT
from crmkit.storage import writer
from crmkit.storage.database import FILE, connect

GROUP = 50
CREATES = 1_000  # in each round
FRAMES = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")

Statements = list[tuple[str, Any, bool]]  # the SQL, its arguments, whether there are many of them


class Recorder:
    """A connection that keeps the statements that go through it, those of each unit in a list of their own."""

    def __init__(self, connection: Any, kept: list[Statements]) -> None:
        self._connection, self._units = connection, kept
        self._kept: Statements = []

    def execute(self, sql: str, args: Any = ()) -> Any:
        if sql.startswith("SAVEPOINT"):
            self._kept = []
            self._units.append(self._kept)
        elif not sql.startswith(FRAMES):
            self._kept.append((sql, args, False))
        return self._connection.execute(sql, args)

    def executemany(self, sql: str, rows: Any) -> Any:
        rows = list(rows)
        self._kept.append((sql, rows, True))
        return self._connection.executemany(sql, rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def _recorded(folder: Path, token: str, creates: int) -> list[Statements]:
    """Return the statements of each of so many creates, which are made in groups."""
    crm = boot.crm_of(settings_of(folder))
    drawn = Drawn(random.Random(12), 10**9)
    units: list[Statements] = []
    commit_group = writer.commit_group

    def recording(connection: Any, *rest: Any) -> Any:
        return commit_group(Recorder(connection, units), *rest)

    async with crm.database:
        actor = await sessions.authenticate(crm, f"Bearer {token}")
        with patch.object(writer, "commit_group", recording):
            for first in range(3, creates + 3, GROUP):
                bodies = [drawn.contact(number, None) for number in range(first, min(first + GROUP, creates + 3))]
                for number, body in enumerate(bodies, start=first):
                    body["email"] = f"limit{number}.{body.get('email', 'x@example.org')}"
                await asyncio.gather(*(records.save(crm, actor, CONTACT, body) for body in bodies))
    found = [unit for unit in units if any(sql.startswith("INSERT INTO contacts ") for sql, _, _ in unit)]
    if len(found) != creates:
        raise Broken("the statements of a create could not be recorded")
    return found


@contextmanager
def limit(lab: Lab, made: Dataset) -> Iterator[Callable[[int], float]]:
    """Yield what gives the creates a second of the statements alone in a round; rounds are asked for in turn."""
    say("recording the statements of creates")
    creates = max(GROUP, min(CREATES, int(CREATES * lab.plan.seconds)) // GROUP * GROUP)
    recorded = asyncio.run(_recorded(lab.copy(made, "recorded"), made.token, creates * lab.plan.rounds))
    file = lab.copy(made, "replayed") / FILE
    with closing(connect(file, True)) as connection:
        yield lambda number: _pinned_rate(connection, recorded[number * creates : (number + 1) * creates])


def _pinned_rate(connection: Any, creates: list[Statements]) -> float:
    if SERVER_CORE is None:
        return _rate(connection, creates)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        return _rate(connection, creates)
    finally:
        os.sched_setaffinity(0, cores)


def _rate(connection: Any, creates: list[Statements]) -> float:
    started = time.perf_counter()
    for first in range(0, len(creates), GROUP):
        connection.execute("BEGIN IMMEDIATE")
        for statements in creates[first : first + GROUP]:
            for sql, args, many in statements:
                if many:
                    connection.executemany(sql, args)
                else:
                    connection.execute(sql, args).fetchall()
        connection.execute("COMMIT")
    return len(creates) / (time.perf_counter() - started)
