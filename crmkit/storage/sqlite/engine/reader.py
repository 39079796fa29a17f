"""Batches short reads: those requested in consecutive turns of the event loop share one trip to the reader's thread.

Under load a trip to another thread and back costs more than the read itself.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import aiosqlite

from crmkit.storage.reads.reading import tell
from crmkit.storage.sqlite.engine import faults
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.threads import gathered, on_thread

T = TypeVar("T")

TURNS = 1  # of the event loop without a further read, after which those that wait are run

_QueuedRead = tuple[Callable[..., Any], tuple[Any, ...], asyncio.Future[Any]]  # work, its arguments, who awaits it


class Reader:
    """Runs short reads on a connection of its own, for the event loop in which it is made."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_QueuedRead] = []
        self._batches: set[asyncio.Task[None]] = set()
        self._resumed = asyncio.Event()
        self._resumed.set()

    async def pause(self) -> None:
        """Let no read begin until `resume`, and return when none runs."""
        self._resumed.clear()
        await on_thread(self._connection, _nothing)  # behind those that the thread was given already

    def resume(self) -> None:
        self._resumed.set()

    def read(self, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Return what will be `work(connection, *args)`; what it raises is raised."""
        answer: asyncio.Future[T] = self._loop.create_future()
        if not self._waiting:
            batch = self._loop.create_task(self._run_batch())
            self._batches.add(batch)  # the loop itself holds tasks by weak references alone
            batch.add_done_callback(self._batches.discard)
        self._waiting.append((work, args, answer))
        return answer

    async def _run_batch(self) -> None:
        await gathered(self._waiting, TURNS)
        while not self._resumed.is_set():
            await self._resumed.wait()
        batch, self._waiting = self._waiting, []
        try:
            outcomes = await on_thread(self._connection, _each, batch)
        except Exception as error:  # the connection is closed
            outcomes = [error] * len(batch)
        for (_, _, answer), outcome in zip(batch, outcomes, strict=True):
            tell(answer, outcome)


def _nothing(_: SqliteConnection) -> None:
    pass


def _each(connection: SqliteConnection, batch: list[_QueuedRead]) -> list[Any]:
    """Return for each read its value or what it raised; several share a transaction, so SQLite locks the file once."""
    if len(batch) > 1:
        connection.execute("BEGIN")
    try:
        return [_outcome(connection, work, args) for work, args, _ in batch]
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _outcome(connection: SqliteConnection, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return work(connection, *args)
    except Exception as error:
        return faults.read_failed(error)
