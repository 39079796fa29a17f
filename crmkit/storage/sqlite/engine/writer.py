"""The one writer: concurrent units of work become one durable commit.

A unit that fails harms no other: nearly all fail before they write. Where one fails after that, the transaction is
rolled back, and all run again, each in a savepoint. Nobody is answered before the commit is flushed to the disk
(`synchronous=FULL`). A unit is a function of a Tx and may run again, so it must touch nothing else.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from typing import Any, TypeVar

import aiosqlite
from msgspec import Struct

from crmkit.clock import Clock, stamp
from crmkit.errors import Problem
from crmkit.histogram import Histogram
from crmkit.model.actor import Actor
from crmkit.storage.interface.auth_cache import AuthCache
from crmkit.storage.interface.commits import EVERYTHING, RIGHTS, Commits
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import Lanes
from crmkit.storage.interface.tx import Known, Tx, Unit
from crmkit.storage.reads.reading import tell
from crmkit.storage.sqlite.engine import faults
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.threads import MOST_TOGETHER, gathered, on_thread
from crmkit.storage.sqlite.engine.wal import WriteAheadLog

T = TypeVar("T")
Units = list[tuple[Unit[Any], Actor | None, Lanes]]

CAREFUL = 100  # groups that run in savepoints after one had to run again
GROUPS = (1, 2, 4, 8, 16, 32, 64, 128)  # sizes of groups, as they are told
TURNS = 2  # of the event loop: what it reads from a connection in one turn comes to its write in the next


class _Waiting(Struct):
    unit: Unit[Any]
    actor: Actor | None
    lanes: Lanes
    silent: bool
    answer: asyncio.Future[Any]
    tx: Tx | None = None  # of its newest run
    runs: int = 0

    def __call__(self, tx: Tx) -> Any:
        self.tx = tx
        self.runs += 1
        return self.unit(tx)

    def names(self) -> Collection[str | None]:
        """Return whom its commit is told to."""
        if self.tx is None:
            return ()
        return self.tx.topics if self.silent else {EVERYTHING, *self.tx.lanes, *self.tx.topics}


class _TransactionLost(Exception):
    """The whole transaction is gone, not just one statement: SQLite rolled it back (disk full, I/O error), or refused
    the commit. `may_be_found` tells that a recovery might find it in the log all the same."""

    def __init__(self, may_be_found: bool = False) -> None:
        super().__init__()
        self.may_be_found = may_be_found


class _WroteInVain(Exception):
    """A unit failed after it had written, and what it wrote cannot be taken back alone."""


class Writer:
    """Runs units of work on the one connection that writes and checkpoints.

    `cache` forgets what a transaction changed before anybody is answered; `log` is kept within its bound; `commits`
    are told even where the one who wrote does not wait for the answer any more.
    """

    def __init__(
        self, connection: aiosqlite.Connection, clock: Clock, cache: AuthCache, log: WriteAheadLog, commits: Commits
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._cache = cache
        self._log = log
        self._commits = commits
        self._is_failing = False  # the disk refused the newest write
        self._careful = 0  # groups that run in savepoints at once
        self._waiting: deque[_Waiting] = deque()
        self._something = asyncio.Event()
        self._closing = False
        self.groups = Histogram(GROUPS)  # of the units that ran together
        self._task = asyncio.create_task(self._run())

    async def write(self, unit: Unit[T], actor: Actor | None = None, lanes: Lanes = (), silent: bool = False) -> T:
        """Return what `unit` returned, once it is durable; what it raised is raised, and nothing of it stays."""
        if self._closing:
            raise RuntimeError("the database is closing")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(unit, actor, lanes, silent, answer))
        self._something.set()
        return await answer

    @property
    def waiting(self) -> int:
        """How many units wait."""
        return len(self._waiting)

    async def check(self) -> None:
        """Write a little if the disk refused the newest write; raises `not_ready` while it still does.

        RuntimeError where the writer is no more, so that nobody takes its silence for health.
        """
        if self._task.done():
            raise RuntimeError("the writer has ended")
        if self._is_failing:
            await self.write(lambda tx: _touch(tx.connection), silent=True)

    async def close(self) -> None:
        """Finish what waits, then stop."""
        self._closing = True
        self._something.set()
        await self._task

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._something.wait()
            self._something.clear()
            while self._waiting:
                await gathered(self._waiting, TURNS)
                group = [self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
                group = [waiting for waiting in group if not waiting.answer.cancelled()]
                self.groups.add(len(group))
                await self._log.bound(await self._answer(group))

    async def _answer(self, group: list[_Waiting]) -> bool:
        """Run the units of a group and answer them; tell whether one was committed."""
        units: Units = [(waiting, waiting.actor, waiting.lanes) for waiting in group]
        try:
            outcomes = await on_thread(
                self._connection, commit_group, units, stamp(self._clock()), self._cache, self._careful > 0
            )
        except Exception as error:
            outcomes = [error] * len(group)
        self._careful = CAREFUL if any(waiting.runs > 1 for waiting in group) else max(0, self._careful - 1)
        if self._cache.forget():
            self._commits.tell([RIGHTS])
        if outcomes:
            self._is_failing = any(isinstance(outcome, Problem) and outcome.code == "not_ready" for outcome in outcomes)
        for waiting, outcome in zip(group, outcomes, strict=True):
            if not isinstance(outcome, BaseException):
                self._commits.tell(waiting.names())
            tell(waiting.answer, outcome)
        return not all(isinstance(outcome, BaseException) for outcome in outcomes)


def commit_group(
    connection: SqliteConnection, units: Units, now: str, cache: AuthCache | None = None, in_savepoints: bool = False
) -> list[Any]:
    """Return for each unit its value or the exception it raised, after one commit for all.

    They run `in_savepoints` where one of them fails after it has written. When the transaction is lost, each unit is
    run again in a transaction of its own. When a recovery might still find the lost one in the log, a small commit is
    written over it first; where that fails too, the answer is that the outcome is unknown. `cache` notes what the
    connection changes; without it no unit gets what an earlier found out.
    """
    try:
        return _transaction(connection, units, now, cache, in_savepoints)
    except _WroteInVain:
        return commit_group(connection, units, now, cache, in_savepoints=True)
    except _TransactionLost as lost:
        cause = lost.__cause__ or lost
        if lost.may_be_found and not _overwritten(connection):
            return [faults.outcome_unknown(cause)] * len(units)
        if len(units) == 1:
            return [faults.write_failed(cause)]
        return [outcome for unit in units for outcome in commit_group(connection, [unit], now, cache)]
    except Exception as error:  # no transaction could begin
        return [faults.write_failed(error)] * len(units)


def _transaction(
    connection: SqliteConnection, units: Units, now: str, cache: AuthCache | None, in_savepoints: bool
) -> list[Any]:
    """Return the outcomes of units that were committed together; raises _WroteInVain unless they run `in_savepoints`.

    SQLite copies each page that changes within a savepoint, so none is made for most units.
    """
    execute = connection.execute
    outcomes: list[Any] = []
    known = Known()
    execute("BEGIN IMMEDIATE")
    try:
        for unit, actor, lanes in units:
            tx = Tx(connection, now, actor, known, {*lanes})
            if in_savepoints:
                execute("SAVEPOINT unit")
            written = connection.total_changes
            try:
                outcomes.append(unit(tx))
            except Exception as error:
                if not connection.in_transaction:
                    raise _TransactionLost from error
                if in_savepoints:
                    execute("ROLLBACK TO unit")
                elif len(units) == 1:
                    execute("ROLLBACK")
                    return [faults.write_failed(error)]
                elif connection.total_changes != written:
                    raise _WroteInVain from error
                outcomes.append(faults.write_failed(error))
                known = Known()
            if in_savepoints:
                execute("RELEASE unit")
            if cache is None or cache.is_changing:
                known = Known()
        try:
            execute("COMMIT")
        except sqlite3.Error as error:
            raise _TransactionLost(faults.may_have_committed(error)) from error
    except BaseException:
        if connection.in_transaction:
            execute("ROLLBACK")
        raise
    return outcomes


def _overwritten(connection: SqliteConnection) -> bool:
    """Write a small commit over the frames of one whose flush failed; tell whether that is durable.

    A recovery reads the log for as long as the checksums continue from frame to frame, so it stops behind this commit.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        _touch(connection)
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return False
    return True


def _touch(connection: Connection) -> None:
    """Write a page without changing what it says."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version:d}")
