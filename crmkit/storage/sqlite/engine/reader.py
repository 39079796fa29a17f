"""The short reads: those that are asked for in turns of the event loop that follow each other share a hop.

Under load a hop to another thread and back costs more than the read itself; sixteen clients share one.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import aiosqlite

from crmkit.storage.sqlite.engine import faults
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.threads import gathered, on_thread, tell

T = TypeVar("T")

TURNS = 1  # of the event loop without a further read, until those that wait are taken up

_Asked = tuple[Callable[..., Any], tuple[Any, ...], asyncio.Future[Any]]


class Reader:
    """Runs short reads on a connection of its own, for the event loop in which it is made."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Asked] = []
        self._hops: set[asyncio.Task[None]] = set()
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
            hop = self._loop.create_task(self._hop())
            self._hops.add(hop)  # the loop itself holds tasks by weak references alone
            hop.add_done_callback(self._hops.discard)
        self._waiting.append((work, args, answer))
        return answer

    async def _hop(self) -> None:
        await gathered(self._waiting, TURNS)
        while not self._resumed.is_set():
            await self._resumed.wait()
        asked, self._waiting = self._waiting, []
        try:
            outcomes = await on_thread(self._connection, _each, asked)
        except Exception as error:  # the connection is closed
            outcomes = [error] * len(asked)
        for (_, _, answer), outcome in zip(asked, outcomes, strict=True):
            tell(answer, outcome)


def _nothing(_: SqliteConnection) -> None:
    pass


def _each(connection: SqliteConnection, asked: list[_Asked]) -> list[Any]:
    """Return for each read its value or what it raised.

    Several are one transaction: SQLite then locks the file once, which took a quarter of each read.
    """
    if len(asked) > 1:
        connection.execute("BEGIN")
    try:
        return [_outcome(connection, work, args) for work, args, _ in asked]
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _outcome(connection: SqliteConnection, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return work(connection, *args)
    except Exception as error:
        return faults.unread(error)
