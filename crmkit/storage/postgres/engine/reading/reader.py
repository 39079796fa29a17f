"""Short reads on the event loop: each statement is sent as it comes, and taken up when PostgreSQL has answered it.

A read is a function of a connection. It runs up to a statement that was not answered yet, and again from its beginning
once that is. So a read of one statement, like that of a record, costs no way to a thread and back, and any number of
them are on the way at once. One of many statements is given to a thread.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, TypeVar

import psycopg

from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.texts import Texts
from crmkit.storage.postgres.dialect import DIALECT
from crmkit.storage.postgres.engine import faults
from crmkit.storage.postgres.engine.connection import PostgresConnection, PostgresRows, error_of
from crmkit.storage.postgres.engine.pool import Pool
from crmkit.storage.postgres.search.texts import TEXTS
from crmkit.storage.reads.reading import tell

T = TypeVar("T")

LINES = 2  # connections: a statement that takes its time holds up those behind it
MOST_STATEMENTS = 4  # of a read on the event loop
FULL_SECONDS = 5  # for which the lines that there are do, where the database has no connection left


class Reader:
    """Runs short reads, on lines that are opened when they are needed and again when they are lost.

    Where the database has no connection left, those that there are do for all; threads do where there is none.
    """

    def __init__(self, open_: Callable[[], PostgresConnection], threads: Pool) -> None:
        self._open = open_
        self._threads = threads
        self._lines: list[_Line] = []
        self._opening = asyncio.Lock()
        self._full_until = 0.0  # before which it is of no use to open one

    async def read(self, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)`; it runs again where its connection turns out to be lost."""
        for _ in range(LINES):  # which may all have been lost meanwhile
            try:
                return await self._read(work, args)
            except psycopg.Error as error:
                if not faults.is_lost(error):
                    raise
        return await self._read(work, args)

    async def close(self) -> None:
        for line in self._lines:
            line.close()
        await self._threads.close()

    async def _read(self, work: Callable[..., T], args: tuple[Any, ...]) -> T:
        line = await self._line()
        if line is None:
            return await self._threads.read(work, *args)
        answered = _Answered()
        while True:
            try:
                return work(answered.again(), *args)
            except _Asked as asked:
                statement = asked.statement
            except _TooLong:
                return await self._threads.read(work, *args)
            answered.add(await line.ask(*statement))

    async def _line(self) -> "_Line | None":
        """Return the line on which the fewest statements wait, None if there is none and the database is full."""
        if len(self._lines) < LINES or any(line.is_lost for line in self._lines):
            async with self._opening:
                self._lines = [line for line in self._lines if not line.is_lost]
                while len(self._lines) < LINES and time.monotonic() > self._full_until:
                    await self._open_line()
        return min(self._lines, key=_Line.waiting, default=None)

    async def _open_line(self) -> None:
        opening = asyncio.create_task(asyncio.to_thread(self._open))
        try:
            self._lines.append(_Line(await asyncio.shield(opening)))
        except asyncio.CancelledError:  # nobody waits any more
            opening.add_done_callback(_close)
            raise
        except psycopg.Error as error:
            if not self._lines and not faults.has_none_left(error):
                raise
            self._full_until = time.monotonic() + FULL_SECONDS


def _close(opening: "asyncio.Task[PostgresConnection]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


class _Asked(BaseException):  # which no read takes for an error of its own
    """A read asks what was not answered yet."""

    def __init__(self, sql: str, args: Sequence[Any]) -> None:
        self.statement = sql, args


class _TooLong(BaseException):
    """A read has more statements than the event loop has patience for."""


class _Answered:
    """The connection of a read: what it asked before is answered at once."""

    dialect: ClassVar[Dialect] = DIALECT
    texts: ClassVar[Texts] = TEXTS

    def __init__(self) -> None:
        self._answers: list[PostgresRows] = []
        self._at = 0

    def again(self) -> "_Answered":
        self._at = 0
        return self

    def add(self, rows: PostgresRows) -> None:
        self._answers.append(rows)

    def execute(self, sql: str, args: Sequence[Any] = (), /) -> PostgresRows:
        if self._at == len(self._answers):
            if self._at == MOST_STATEMENTS:
                raise _TooLong
            raise _Asked(sql, args)
        self._at += 1
        return self._answers[self._at - 1].again()

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any:
        raise _TooLong

    def trial(self) -> AbstractContextManager[None]:
        return nullcontext()


class _Line:
    """A connection whose answers are taken on the event loop."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection
        self._wire = connection.driver.pgconn
        self._wire.enter_pipeline_mode()
        self._loop = asyncio.get_running_loop()
        self._socket = self._wire.socket
        self._asked: deque[tuple[PostgresRows, asyncio.Future[PostgresRows]]] = deque()
        self._has_unsent = False
        self.is_lost = False
        self._loop.add_reader(self._socket, self._take)

    def waiting(self) -> int:
        """Return how many statements are not answered yet."""
        return len(self._asked)

    def ask(self, sql: str, args: Sequence[Any]) -> "asyncio.Future[PostgresRows]":
        """Send a statement; what is returned will be its rows. What is asked in one turn of the loop goes together."""
        asker: asyncio.Future[PostgresRows] = self._loop.create_future()
        try:
            rows = self._connection.execute(sql, args)
            self._connection.end_batch()
        except psycopg.OperationalError as error:
            self._lose(error)
            raise
        self._asked.append((rows, asker))
        if not self._has_unsent:
            self._has_unsent = True
            self._loop.call_soon(self._flush)
        return asker

    def close(self) -> None:
        self._lose(psycopg.OperationalError("the database is closed"))

    def _flush(self) -> None:
        """Send what is there; what the socket does not take yet goes when it does."""
        if self.is_lost:
            return
        try:
            self._has_unsent = bool(self._wire.flush())
        except psycopg.Error as error:
            self._lose(error)
            return
        if self._has_unsent:
            self._loop.add_writer(self._socket, self._flush)
        else:
            self._loop.remove_writer(self._socket)

    def _take(self) -> None:
        """Hand out the answers that have come."""
        try:
            for batch in self._connection.take():
                rows, asker = self._asked.popleft()
                tell(asker, rows if batch.failed is None else error_of(batch.failed))
        except psycopg.Error as error:
            self._lose(error)

    def _lose(self, error: psycopg.Error) -> None:
        """Tell all who wait that the connection is gone."""
        if not self.is_lost:
            self.is_lost = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._connection.close()
            while self._asked:
                tell(self._asked.popleft()[1], error)
