"""The one writer: concurrent units of work become one durable commit.

Every unit runs in its own savepoint, so one that fails harms no other; nobody is answered before the commit is
flushed (`synchronous=FULL`). A unit is a function of a Tx and may run again, so it must touch nothing else.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any, TypeVar

import aiosqlite

from crmkit.clock import Clock, stamp
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage.interface.auth_cache import Recall
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Known, Tx, Unit
from crmkit.storage.sqlite.engine import faults
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.threads import MOST_TOGETHER, gathered, on_thread, tell
from crmkit.storage.sqlite.engine.wal import Log

T = TypeVar("T")
Units = list[tuple[Unit[Any], Actor | None]]

TURNS = 2  # of the event loop: what it reads from a connection in one turn comes to its write in the next


@dataclass(slots=True)
class _Waiting:
    unit: Unit[Any]
    actor: Actor | None
    answer: asyncio.Future[Any]


class _TransactionLost(Exception):
    """The whole transaction is gone, not just one statement: SQLite gave it up (disk full, I/O error), or refused
    the commit. `may_stand` if a recovery might find it."""

    def __init__(self, may_stand: bool = False) -> None:
        super().__init__()
        self.may_stand = may_stand


class Writer:
    """Runs units of work on the one connection that writes and checkpoints.

    `recall` forgets what a transaction made wrong before anybody is told of it; `log` is kept within its bound.
    """

    def __init__(self, connection: aiosqlite.Connection, clock: Clock, recall: Recall, log: Log) -> None:
        self._connection = connection
        self._clock = clock
        self._recall = recall
        self._log = log
        self._is_failing = False  # the disk refused the newest write
        self._waiting: deque[_Waiting] = deque()
        self._something = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run())

    async def write(self, unit: Unit[T], actor: Actor | None = None) -> T:
        """Return what `unit` returned, once it is durable; what it raised is raised, and nothing of it stays."""
        if self._closing:
            raise RuntimeError("the database is closing")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(unit, actor, answer))
        self._something.set()
        return await answer

    async def check(self) -> None:
        """Write a little if the disk refused the newest write; raises `not_ready` while it still does.

        RuntimeError where the writer is no more, so that nobody takes its silence for health.
        """
        if self._task.done():
            raise RuntimeError("the writer has ended")
        if self._is_failing:
            await self.write(lambda tx: _touch(tx.connection))

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
                await self._answer(group)
                await self._log.bound()

    async def _answer(self, group: list[_Waiting]) -> None:
        units = [(waiting.unit, waiting.actor) for waiting in group]
        try:
            outcomes = await on_thread(self._connection, commit_group, units, stamp(self._clock()), self._recall)
        except Exception as error:
            outcomes = [error] * len(group)
        self._recall.forget()
        if outcomes:
            self._is_failing = any(isinstance(outcome, Problem) and outcome.code == "not_ready" for outcome in outcomes)
        for waiting, outcome in zip(group, outcomes, strict=True):
            tell(waiting.answer, outcome)


def commit_group(connection: SqliteConnection, units: Units, now: str, recall: Recall | None = None) -> list[Any]:
    """Return for each unit its value or the exception it raised, after one commit for all.

    When the transaction is lost, each unit is tried again in one of its own. When it may stand all the same, that is
    ended first; where that fails too, nobody knows, and that is what is told. `recall` watches the connection; without
    it no unit is told what an earlier one found out.
    """
    try:
        return _transaction(connection, units, now, recall)
    except _TransactionLost as lost:
        cause = lost.__cause__ or lost
        if lost.may_stand and not _overwritten(connection):
            return [faults.unknown(cause)] * len(units)
        if len(units) == 1:
            return [faults.unwritten(cause)]
        return [outcome for unit in units for outcome in commit_group(connection, [unit], now, recall)]
    except Exception as error:  # no transaction could begin
        return [faults.unwritten(error)] * len(units)


def _transaction(connection: SqliteConnection, units: Units, now: str, recall: Recall | None) -> list[Any]:
    execute = connection.execute
    outcomes: list[Any] = []
    known = Known()
    execute("BEGIN IMMEDIATE")
    try:
        for unit, actor in units:
            tx = Tx(connection, now, actor, known)
            execute("SAVEPOINT unit")
            try:
                outcomes.append(unit(tx))
            except Exception as error:
                if not connection.in_transaction:
                    raise _TransactionLost from error
                execute("ROLLBACK TO unit")
                outcomes.append(faults.unwritten(error))
                known = Known()
            execute("RELEASE unit")
            if recall is None or recall.is_changing:
                known = Known()
        try:
            execute("COMMIT")
        except sqlite3.Error as error:
            raise _TransactionLost(faults.leaves_open(error)) from error
    except BaseException:
        if connection.in_transaction:
            execute("ROLLBACK")
        raise
    return outcomes


def _overwritten(connection: SqliteConnection) -> bool:
    """Commit a little, over the frames that a commit left in the log whose flush failed; tell whether that is durable.

    A recovery reads the log as far as its checksums go on from frame to frame, so it finds nothing behind this one.
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
