"""How fast the statements of a create can be committed: those that crmkit runs, written down once and run again.

They are recorded while crmkit creates contacts on one copy of the data and indexes their texts, and run on another copy
from the same start: one thread, one connection in the product's manner (`synchronous=FULL`), creates in groups and
texts in the product's batches, without anything around them.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.data.dataset import Dataset, settings_of
from bench.data.drawn import Drawn, another
from bench.kinds import CONTACT
from bench.lab import Lab, say
from bench.load.generators import Broken
from bench.servers.processes import SERVER_CORE
from crmkit import boot
from crmkit.core import upkeep
from crmkit.core.call import Call
from crmkit.core.people import sessions
from crmkit.core.records import write
from crmkit.storage.sqlite.engine import writer
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE

GROUP = 50
CREATES = 1_000  # in each round
FRAMES = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")

Statements = list[tuple[str, Any, bool]]  # the SQL, its arguments, whether there are many of them
Transactions = list[list[Statements]]  # one or several that were recorded, of each that is run again


class Recorder:
    """A connection that keeps the statements that go through it, those of each transaction in a list of their own."""

    def __init__(self, connection: Any, kept: list[Statements]) -> None:
        self._connection, self._transactions = connection, kept
        self._kept: Statements = []

    def execute(self, sql: str, args: Any = ()) -> Any:
        if sql.startswith("BEGIN"):
            self._kept = []
            self._transactions.append(self._kept)
        elif not sql.startswith(FRAMES):
            self._kept.append((sql, args, False))
        return self._connection.execute(sql, args)

    def executemany(self, sql: str, rows: Any) -> Any:
        rows = list(rows)
        self._kept.append((sql, rows, True))
        return self._connection.executemany(sql, rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def _recorded(folder: Path, token: str, creates: int, rounds: int) -> list[Transactions]:
    """Return for each round the transactions of so many creates, made in groups, and of indexing their texts."""
    crm = boot.crm_of(settings_of(folder))
    drawn = Drawn(random.Random(12), 10**9)
    recorded: list[Statements] = []
    commit_group = writer.commit_group

    def recording(connection: Any, *rest: Any) -> Any:
        return commit_group(Recorder(connection, recorded), *rest)

    async with crm.database:
        actor = await sessions.authenticate(crm, f"Bearer {token}")
        found = []
        with patch.object(writer, "commit_group", recording):
            for first in range(3, creates * rounds + 3, creates):
                transactions: Transactions = []
                for start in range(first, first + creates, GROUP):
                    numbers = range(start, start + GROUP)
                    bodies = [another(drawn.contact(number, None), f"{10**9 + number}") for number in numbers]
                    await asyncio.gather(*(write.save(Call(crm, actor), CONTACT, body) for body in bodies))
                    transactions.append(_taken(recorded, 'INSERT INTO "contacts" ', GROUP))
                await upkeep.index_all(Call(crm))
                indexing = _taken(recorded, "INSERT INTO contacts_search ")
                found.append([*transactions, *([transaction] for transaction in indexing)])
    return found


def _taken(recorded: list[Statements], sql: str, count: int = 0) -> list[Statements]:
    """Return the recorded transactions in which a statement begins like this, and drop all; raises Broken where fewer
    of these statements are in them than `count` says: a create whose id is taken has another one."""
    found = [each for each in recorded if any(statement.startswith(sql) for statement, _, _ in each)]
    recorded.clear()
    times = sum(statement.startswith(sql) for each in found for statement, _, _ in each)
    if times < max(1, count):
        raise Broken("the statements of a create could not be recorded")
    return found


@contextmanager
def limit(lab: Lab, made: Dataset) -> Iterator[Callable[[int], float]]:
    """Yield what gives the creates a second of the statements alone in a round; rounds are asked for in turn."""
    say("recording the statements of creates")
    creates = max(GROUP, min(CREATES, int(CREATES * lab.plan.seconds)) // GROUP * GROUP)
    recorded = asyncio.run(_recorded(lab.copy(made, "recorded"), made.token, creates, lab.plan.rounds))
    file = lab.copy(made, "replayed") / FILE
    with closing(connect(file, True)) as connection:
        yield lambda number: creates / _pinned_seconds(connection, recorded[number])


def _pinned_seconds(connection: Any, transactions: Transactions) -> float:
    if SERVER_CORE is None:
        return _seconds(connection, transactions)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        return _seconds(connection, transactions)
    finally:
        os.sched_setaffinity(0, cores)


def _seconds(connection: Any, transactions: Transactions) -> float:
    started = time.perf_counter()
    for units in transactions:
        connection.execute("BEGIN IMMEDIATE")
        for sql, args, many in chain.from_iterable(units):
            if many:
                connection.executemany(sql, args)
            else:
                connection.execute(sql, args).fetchall()
        connection.execute("COMMIT")
    return time.perf_counter() - started
