"""How fast the statements of a create can be committed: those that crmkit runs, written down once and run again.

They are recorded while crmkit creates contacts on one copy of the data, and run on another copy from the same start:
one thread, one connection in the product's manner (`synchronous=FULL`), in groups, without anything around them.
"""

import asyncio
import os
import random
import time
from contextlib import closing
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
CREATES = 2_000  # in each round
FRAMES = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")

Statements = list[tuple[str, Any, bool]]  # the SQL, its arguments, whether there are many of them


class Recorder:
    """A connection that keeps the statements that go through it."""

    def __init__(self, connection: Any, kept: Statements) -> None:
        self._connection, self._kept = connection, kept

    def execute(self, sql: str, args: Any = ()) -> Any:
        if not sql.startswith(FRAMES):
            self._kept.append((sql, args, False))
        return self._connection.execute(sql, args)

    def executemany(self, sql: str, rows: Any) -> Any:
        rows = list(rows)
        self._kept.append((sql, rows, True))
        return self._connection.executemany(sql, rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def _recorded(folder: Path, token: str, creates: int) -> list[Statements]:
    """Return the statements of each of so many creates."""
    crm = boot.crm_of(settings_of(folder))
    drawn = Drawn(random.Random(12), 10**9)
    found: list[Statements] = []
    commit_group = writer.commit_group

    def recording(connection: Any, units: Any, now: str) -> Any:
        kept: Statements = []
        outcome = commit_group(Recorder(connection, kept), units, now)
        found.append(kept)
        return outcome

    async with crm.database:
        actor = await sessions.authenticate(crm, f"Bearer {token}")
        with patch.object(writer, "commit_group", recording):
            for number in range(3, creates + 3):
                body = drawn.contact(number, None)
                body["email"] = f"limit{number}.{body.get('email', 'x@example.org')}"
                await records.save(crm, actor, CONTACT, body)
    if len(found) != creates or not all(found):
        raise Broken("the statements of a create could not be recorded")
    return found


def limits(lab: Lab, made: Dataset, rounds: int) -> list[float]:
    """Return creates a second of the statements alone, for each round."""
    say("recording the statements of creates")
    creates = min(CREATES, int(CREATES * lab.plan.seconds)) // GROUP * GROUP
    recorded = asyncio.run(_recorded(lab.copy(made, "recorded"), made.token, creates * rounds))
    file = lab.copy(made, "replayed") / FILE
    cores = os.sched_getaffinity(0) if SERVER_CORE is not None else set()
    if cores:
        os.sched_setaffinity(0, {SERVER_CORE or 0})
    try:
        with closing(connect(file, True)) as connection:
            rates = [_rate(connection, recorded[at * creates : (at + 1) * creates]) for at in range(rounds)]
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
    return rates


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
