"""The database: one file, one connection that writes, three that only read, and one more for each stream that runs.

Only the writer's connection ever writes or checkpoints, and the lock beside the file keeps it the only one of any
process that serves; so no checkpoint can race a commit, whatever SQLite this is.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import aiosqlite

from crmkit.clock import Clock
from crmkit.model.actor import Actor
from crmkit.storage.interface.auth_cache import AuthCache
from crmkit.storage.interface.commits import EVERYTHING, RIGHTS, Commits
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Finding, Gauges, Told, Total
from crmkit.storage.interface.lanes import ANYWHERE, Lanes, own_lanes
from crmkit.storage.interface.log_throttle import LogThrottle
from crmkit.storage.interface.texts import Texts
from crmkit.storage.interface.tx import Unit
from crmkit.storage.reads.scans import Scans
from crmkit.storage.reads.streams import Streams
from crmkit.storage.sqlite import auth_triggers, files
from crmkit.storage.sqlite.auth_outside import Outside
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.checkpoints import Checkpoints
from crmkit.storage.sqlite.engine.connection import connect, connect_for_stream
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE, hold, prepare
from crmkit.storage.sqlite.engine.progress import reading
from crmkit.storage.sqlite.engine.reader import Reader
from crmkit.storage.sqlite.engine.threads import on_thread
from crmkit.storage.sqlite.engine.wal import WriteAheadLog
from crmkit.storage.sqlite.engine.writer import Writer
from crmkit.storage.sqlite.search.texts import TEXTS

T = TypeVar("T")

SCANNERS = 2  # connections for lists and searches: one workspace's never hold up all others'

log = logging.getLogger("crmkit")


class SqliteDatabase:
    """An open database. `write` runs units of work, `read` short reads, `scan` reads that may take long."""

    is_shared: ClassVar[bool] = False

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock
        self._lock = self._descriptor = -1  # of the lock and of the database
        self._checkpoints: Checkpoints | None = None
        self._open: list[aiosqlite.Connection] = []
        self._scans: Scans | None = None
        self._streams: Streams | None = None
        self._must_forget = False  # the log could not be emptied while a stream ran
        self._later: dict[Any, asyncio.Task[None]] = {}
        self._cache = AuthCache()
        self._others: Outside | None = None
        self.commits = Commits()
        self.log_throttle = LogThrottle()
        self.texts: Texts = TEXTS

    async def __aenter__(self) -> Self:
        """Lock the folder, migrate, open. Raises InUse, Newer or Unusable."""
        prepare(self.folder)
        self._lock = hold(self.folder)
        try:
            self._others = Outside(self._lock)
            file = self.folder / FILE
            migrate.run(file, connect)
            for writes in (True, False):
                self._open.append(await _opened(file, writes))
            writer, reader = self._open
            self._reader, self._scans = Reader(reader), Scans(reading(partial(connect, file, False)), SCANNERS)
            self._streams = Streams(reading(partial(connect_for_stream, file)), self.folder, self._freed)
            self._descriptor = os.open(file, os.O_RDONLY)
            self._checkpoints = Checkpoints(writer, connect_for_stream(file), self._descriptor)
            self._log = WriteAheadLog(file, writer, self._checkpoints, self._reader, self._scans, self._streams)
            await on_thread(writer, auth_triggers.watch, self._cache)
            self._writer = Writer(writer, self._clock, self._cache, self._log, self.commits)
        except BaseException:
            await self._release()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._writer.close()
        finally:
            await self._release()

    async def write(
        self, unit: Unit[T], actor: Actor | None = None, lanes: Lanes | None = None, silent: bool = False
    ) -> T:
        """Return what `unit` returned, once it is durable (see Writer.write).

        `lanes` name what the unit looks at before it writes; without them it is the actor's workspace.
        Whoever listens to `commits` is woken, unless this is `silent` work that follows other writes.
        """
        return await self._writer.write(unit, actor, own_lanes(actor) if lanes is None else lanes, silent)

    async def alone(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work: the folder is locked, so no other process does any."""
        await work()

    async def add_up(self, told: Sequence[Told]) -> list[Total]:
        return []

    def write_later(self, key: Any, unit: Unit[Any]) -> None:
        """Write beside the request, unless the same `key` is under way already; a failure is logged, not raised.

        It needs no lock: the unit runs with the lanes ANYWHERE.
        """
        if key not in self._later:
            self._later[key] = asyncio.create_task(self._written(key, unit))

    async def _written(self, key: Any, unit: Unit[Any]) -> None:
        try:
            await self._writer.write(unit, lanes=ANYWHERE, silent=True)
        except Exception as error:
            line = self.log_throttle.line(str(error.__cause__ or error))
            if line:
                log.warning("what a request left to be written was not: %s", line)
        finally:
            del self._later[key]

    async def read(self, actor: Actor | None, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)` on a read-only connection: for reads of a few rows by key.

        `actor` is who reads, None for the system or for somebody who is not known yet. SQLite ignores it: commits clear
        the cached lookups of a revoked token (see AuthCache).
        """
        return await self._reader.read(work, *args)

    async def read_cached(self, work: Callable[..., T], *args: Any) -> T:
        """Return the same from the cache, or read it; a commit that changes who may do what clears it."""
        value: T | None = self.cached(work, *args)
        if value is None:
            generation = self._cache.generation
            value = await self.read(None, work, *args)
            self._cache.keep((work, *args), value, generation)
        return value

    def cached(self, work: Callable[..., T], *args: Any) -> T | None:
        """Return what `read_cached` finds in the cache, None if it is not there."""
        if self._others is not None and self._others.has_changed():
            self._cache.drop()
            self.commits.tell([RIGHTS])
        value: T | None = self._cache.find((work, *args))
        return value

    async def scan(self, actor: Actor | None, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)`, a list, search or count for an actor or the system (see Scans.run)."""
        if self._scans is None:
            raise RuntimeError("the database is closed")
        workspace, user = ("", "") if actor is None else (actor.workspace_id, actor.user_id)
        return await self._scans.run(workspace, user, work, *args)

    def stream(
        self, actor: Actor, work: Callable[..., Iterator[bytes]], *args: Any, is_whole: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Return the bytes that `work(connection, *args)` yields, of any length, for an actor (see Streams.run)."""
        if self._streams is None:
            raise RuntimeError("the database is closed")
        return self._streams.run(actor.workspace_id, actor.user_id, is_whole, work, *args)

    def _freed(self) -> None:
        """Have what waits for `forget_log` try it again, once a stream holds its snapshot no longer."""
        if self._must_forget:
            self._must_forget = False
            self.commits.tell([EVERYTHING])

    async def check(self) -> None:
        """Return if the database can be read and written; raises `not_ready`.

        Whether it can be written is tried only while the last write failed.
        """
        await self.read(None, _probe)
        await self._writer.check()

    def examine(self) -> Iterator[Finding]:
        """Yield what is found of the program, the log of the database, and the room on the disk."""
        yield files.program()
        yield from files.room(self.folder)

    def gauges(self) -> Gauges:
        size = os.fstat(self._descriptor).st_size if self._descriptor >= 0 else 0
        version = f"SQLite {sqlite3.sqlite_version}"
        return Gauges(version, size, self._log.size, self._writer.waiting, self._writer.groups)

    async def forget_log(self) -> bool:
        """Empty the write-ahead log, with what it holds of deleted rows; tell whether that could be done."""
        is_done = await self._log.begin_anew()
        self._must_forget = not is_done
        return is_done

    async def _release(self) -> None:
        if self._streams is not None:
            await self._streams.close()
            self._streams = None
        if self._scans is not None:
            await self._scans.close()
            self._scans = None
        if self._checkpoints is not None:
            await self._checkpoints.close()
            self._checkpoints = None
        for connection in reversed(self._open):  # the writer last, so that its close checkpoints
            await connection.close()
        self._open = []
        if self._others is not None:  # it holds the lock, too
            self._others.close()
            self._others = None
        for descriptor in (self._descriptor, self._lock):  # that of the database once no connection has locks on it
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._lock = -1


async def _opened(file: Path, writes: bool) -> aiosqlite.Connection:
    return await aiosqlite.Connection(lambda: connect(file, writes), iter_chunk_size=64)


def _probe(connection: Connection) -> None:
    connection.execute("SELECT number FROM workspaces LIMIT 1").fetchone()
